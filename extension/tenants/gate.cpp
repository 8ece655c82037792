// The cache of tenants' status and slugs, and the questions that are answered from it.
#include "extension/tenants/gate.hpp"

#include "extension/core/bounded_map.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/table_cache.hpp"
#include "extension/settings/settings.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

namespace {

constexpr settings::DurationSetting kRetention("tenants.slug_retention");
constexpr size_t kGeneration = 5000;

pg::TableCache cache("tenants");

BoundedMap<Known>& Tenants() {
  static auto& tenants = *new BoundedMap<Known>(kGeneration);
  return tenants;
}

// Of slugs that are in use: when a retired one stops leading anywhere is a matter of time.
BoundedMap<Uuid>& Slugs() {
  static auto& slugs = *new BoundedMap<Uuid>(kGeneration);
  return slugs;
}

[[noreturn]] void ThrowNotActive(const std::string& status) {
  throw Error(ErrorCode::kForbidden, "the tenant is " + status, {},
              "Switch to another tenant, or to none.");
}

bool IsMember(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, bool lock) {
  static pg::Statement look(R"(
    SELECT 1 FROM latchkey.role_grants
     WHERE user_id = $1 AND tenant_id = $2 AND (expires_at IS NULL OR expires_at > $3))");
  static pg::Statement keep(R"(
    SELECT 1 FROM latchkey.role_grants
     WHERE user_id = $1 AND tenant_id = $2 AND (expires_at IS NULL OR expires_at > $3)
     ORDER BY role FOR KEY SHARE)");
  return !spi.RunLatest(lock ? keep : look, user_id, tenant_id, pg::Now()).empty();
}

}  // namespace

uint64_t Edition() {
  static uint64_t edition = 1;
  if (cache.IsFresh()) return edition;
  Tenants().Clear();
  Slugs().Clear();
  cache.Watch();
  return ++edition;
}

const Known* FindTenant(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT slug, status FROM latchkey.tenants WHERE id = $1");
  Edition();
  const std::string key(tenant_id.AsBytes());
  if (const Known* known = Tenants().Find(key)) return known;
  const Known* found = nullptr;
  cache.ReadKey(
      spi, statement,
      [&](const pg::Row& row) {
        found = Tenants().Put(key, {row.Text(1), row.Text(2)});
      },
      tenant_id);
  return found;
}

void Remember(const Uuid& tenant_id, Known tenant) {
  Tenants().Put(std::string(tenant_id.AsBytes()), std::move(tenant));
}

std::optional<Uuid> FindBySlug(pg::Spi& spi, const std::string& slug) {
  static pg::Statement statement(R"(
    SELECT tenant_id, retired_at FROM latchkey.tenant_slugs
     WHERE slug = $1 AND (retired_at IS NULL OR retired_at > $2))");
  Edition();
  if (const Uuid* known = Slugs().Find(slug)) return *known;
  std::optional<Uuid> found;
  cache.ReadKey(
      spi, statement,
      [&](const pg::Row& row) {
        found = row.Get<Uuid>(1);
        if (row.IsNull(2)) Slugs().Put(slug, *found);
      },
      slug, pg::Now() + -kRetention.Micros(spi));
  return found;
}

void RequireActive(pg::Spi& spi, const Uuid& tenant_id) {
  const Known* tenant = FindTenant(spi, tenant_id);
  if (tenant != nullptr && tenant->status == "active") return;
  ThrowNotActive(tenant == nullptr ? "unknown" : tenant->status);
}

bool IsOver(pg::Spi& spi, const Uuid& tenant_id) {
  const Known* tenant = FindTenant(spi, tenant_id);
  return tenant != nullptr && (tenant->status == "archived" || tenant->status == "deleted");
}

bool IsSwitchedOff(pg::Spi& spi, const Uuid& tenant_id) {
  const Known* tenant = FindTenant(spi, tenant_id);
  return tenant != nullptr && (tenant->status == "suspended" || IsOver(spi, tenant_id));
}

// Membership first: only members learn what has become of a tenant.
void Admit(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id, bool lock) {
  static pg::Statement statement("SELECT status FROM latchkey.tenants WHERE id = $1 FOR SHARE");
  if (!IsMember(spi, user_id, tenant_id, lock)) {
    throw Error(ErrorCode::kForbidden, "the user does not belong to this tenant");
  }
  if (!lock) return RequireActive(spi, tenant_id);
  const pg::Rows rows = spi.RunLatest(statement, tenant_id);
  const std::string status = rows.empty() ? "unknown" : rows[0].Text(1);
  if (status != "active") ThrowNotActive(status);
}

}  // namespace latchkey::tenants
