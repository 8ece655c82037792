// Connecting to tenants' databases: what the pools hold, and how it is made.
#pragma once

#include "gateway/db/connection.hpp"
#include "gateway/tenants/tenant_pools.hpp"

namespace latchkey {

class TenantConnection : public TenantLink {
 public:
  explicit TenantConnection(const ConnectOptions& options) : connection_(options) {}

  PgConnection& connection() { return connection_; }
  bool IsUsable() const override;
  bool LooksDead() const override { return connection_.LooksDead(); }

 private:
  PgConnection connection_;
};

// Makes TenantConnections. A server that can't be reached is told from one that refuses this tenant
// by asking the server itself (PQping), not by the text of an error, which may be in any language.
TenantConnector ConnectTenants(int connect_timeout_s);

}  // namespace latchkey
