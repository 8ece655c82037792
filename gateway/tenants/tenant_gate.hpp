// The way into tenants' databases: where each is, from the main database, and a connection to it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/config.hpp"
#include "gateway/db/pipeline.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/tenants/tenant_pools.hpp"
#include "gateway/tenants/tenant_target.hpp"

namespace latchkey {

class TenantGate {
 public:
  TenantGate(const Config& config, TenantPools& pools);

  // Whether we may ask where databases are: with the worker's URL.
  bool configured() const { return main_ != nullptr; }

  // Where a tenant's database is; what is known is a second old at most. Fails when it can't be
  // told now. `ready` is false also of a tenant that has none.
  std::optional<Failure> Find(const std::string& tenant, const std::string& request_id,
                              TenantDatabase& database);

  // One transaction there. Fails with TenantUnavailable or TooBusy without it, else as the database
  // does, whose constraints tell what is wrong with the values.
  std::optional<Failure> Run(const TenantDatabase& database,
                             const std::vector<BoundStatement>& statements,
                             const TransactionOptions& options, const std::string& request_id,
                             PgResult& rows);

  void Prune();

 private:
  struct Known {
    TenantDatabase database;
    int64_t until_ms;
  };

  TenantPools& pools_;
  std::unique_ptr<Pool> main_;
  std::mutex asking_;  // one connection is enough
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

}  // namespace latchkey
