// resolve_host: which tenant a request's host is, from the backend's memory.
#include "extension/core/bounded_map.hpp"
#include "extension/core/hostname.hpp"
#include "extension/core/slug.hpp"
#include "extension/hostnames/login.hpp"
#include "extension/hostnames/store.hpp"
#include "extension/pg/table_cache.hpp"
#include "extension/tenants/gate.hpp"

namespace latchkey::hostnames {

namespace {

// At most 50,000 hostnames: of 30 bytes each they are about 6 MB.
constexpr size_t kGeneration = 25000;

pg::TableCache cache("tenant_hostnames");

BoundedMap<Uuid>& Hosts() {
  static auto& hosts = *new BoundedMap<Uuid>(kGeneration);
  return hosts;
}

std::optional<Uuid> FindByHostname(pg::Spi& spi, const std::string& hostname) {
  static pg::Statement statement(R"(
    SELECT h.tenant_id, t.slug, t.status
      FROM latchkey.tenant_hostnames h JOIN latchkey.tenants t ON t.id = h.tenant_id
     WHERE h.hostname = $1 AND h.verified_at IS NOT NULL)");
  if (!cache.IsFresh()) {
    Hosts().Clear();
    cache.Watch();
  }
  if (const Uuid* known = Hosts().Find(hostname)) return *known;
  tenants::Edition();
  std::optional<Uuid> found;
  cache.ReadKey(
      spi, statement,
      [&](const pg::Row& row) {
        found = row.Get<Uuid>(1);
        Hosts().Put(hostname, *found);
        tenants::Remember(*found, {row.Text(2), row.Text(3)});
      },
      hostname);
  return found;
}

}  // namespace

std::optional<Uuid> FindByHost(pg::Spi& spi, const std::string& hostname) {
  const std::string domain = PlatformDomain(spi);
  if (domain.empty() || !IsWithinDomain(hostname, domain)) return FindByHostname(spi, hostname);
  if (hostname.size() == domain.size()) return std::nullopt;
  const std::string label = hostname.substr(0, hostname.size() - domain.size() - 1);
  return IsSlug(label) ? tenants::FindBySlug(spi, label) : std::nullopt;
}

LATCHKEY_FUNCTION(resolve_host, kOpen) {
  const auto hostname = NormaliseHostname(args.Text(0, "host"));
  if (!hostname) return args.Null();
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto tenant_id = FindByHost(spi, *hostname);
  const tenants::Known* found = tenant_id ? tenants::FindTenant(spi, *tenant_id) : nullptr;
  if (found == nullptr || found->status == "deleted") {
    spi.Finish();
    return args.Null();
  }
  const tenants::Known tenant = *found;
  spi.Finish();
  return args.ReturnRow(
      {pg::ToValue(*tenant_id), pg::ToValue(tenant.slug), pg::ToValue(tenant.status)});
}

}  // namespace latchkey::hostnames
