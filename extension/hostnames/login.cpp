// Which tenant somebody logs in to.
#include "extension/hostnames/login.hpp"

#include "extension/core/error.hpp"
#include "extension/core/hostname.hpp"
#include "extension/core/slug.hpp"
#include "extension/hostnames/store.hpp"
#include "extension/tenants/gate.hpp"

namespace latchkey::hostnames {

namespace {

Uuid FindByName(pg::Spi& spi, const std::string& name) {
  const auto id = ParseUuid(name);
  if (id) return *id;
  const auto found = IsSlug(name) ? tenants::FindBySlug(spi, name) : std::nullopt;
  if (found) return *found;
  throw Error(ErrorCode::kForbidden, "the user does not belong to this tenant");
}

// One that is suspended does not keep anybody from their own account.
std::optional<Uuid> OnlyMembership(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT DISTINCT t.id
      FROM latchkey.role_grants g JOIN latchkey.tenants t ON t.id = g.tenant_id
     WHERE g.user_id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2) AND t.status = 'active'
     LIMIT 2)");
  const pg::Rows rows = spi.RunLatest(statement, user_id, pg::Now());
  return rows.size() == 1 ? std::optional<Uuid>(rows[0].Get<Uuid>(1)) : std::nullopt;
}

}  // namespace

std::optional<Uuid> TenantOfLogin(pg::Spi& spi, const Uuid& user_id,
                                  const std::optional<std::string>& name,
                                  const std::optional<std::string>& host) {
  if (name) return FindByName(spi, *name);
  if (!host) return std::nullopt;
  if (const auto hostname = NormaliseHostname(*host)) {
    if (const auto tenant_id = FindByHost(spi, *hostname)) return tenant_id;
  }
  return OnlyMembership(spi, user_id);
}

}  // namespace latchkey::hostnames
