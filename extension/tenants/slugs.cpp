// Taking and retiring slugs.
#include "extension/tenants/slugs.hpp"

#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/core/slug.hpp"
#include "extension/pg/unicode.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::tenants {

namespace {

constexpr settings::DurationSetting kRetention("tenants.slug_retention");
constexpr int kNumbers = 20;  // tried before a random one is taken

bool IsReserved(pg::Spi& spi, const std::string& slug) {
  static pg::Statement statement(
      "SELECT value::jsonb ? $1 FROM latchkey.settings WHERE key = 'tenants.reserved_slugs'");
  const pg::Rows rows = spi.Run(statement, slug);
  return !rows.empty() && rows[0].Get<bool>(1);
}

std::string RandomSuffix() {
  constexpr size_t kBytes = 4;
  std::string suffix;
  for (const char byte : RandomBytes(kBytes)) {
    constexpr char kDigits[] = "0123456789abcdef";
    suffix += kDigits[static_cast<unsigned char>(byte) >> 4];
    suffix += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return suffix;
}

}  // namespace

void ThrowSlugTaken(const std::string& slug) {
  throw Error(ErrorCode::kAlreadyExists, "the slug \"" + slug + "\" is taken");
}

void CheckSlug(pg::Spi& spi, const std::string& slug) {
  if (!IsSlug(slug)) {
    throw Error(ErrorCode::kInvalidArgument, "this is no slug", {},
                "A slug is 2 to 63 of a-z, 0-9 and single hyphens between them.");
  }
  if (!IsReserved(spi, slug)) return;
  throw Error(ErrorCode::kInvalidArgument, "the slug \"" + slug + "\" is reserved");
}

// The primary key decides between two at once. A tenant takes back what it gave up.
bool TakeSlug(pg::Spi& spi, const Uuid& tenant_id, const std::string& slug) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.tenant_slugs AS s (slug, tenant_id, taken_at) VALUES ($1, $2, $3)
    ON CONFLICT (slug) DO UPDATE SET tenant_id = $2, taken_at = $3, retired_at = NULL
     WHERE s.retired_at IS NOT NULL AND (s.tenant_id = $2 OR s.retired_at <= $4))");
  const pg::Timestamp now = pg::Now();
  spi.RunLatest(statement, slug, tenant_id, now, now + -kRetention.Micros(spi));
  return spi.affected() > 0;
}

std::string TakeSlugOf(pg::Spi& spi, const Uuid& tenant_id, const std::string& name,
                       const std::string& kind) {
  std::string base = SlugFrom(pg::Nfkd(name));
  if (base.empty()) base = SlugFrom(kind);
  if (base.empty()) base = "tenant";
  if (!IsReserved(spi, base) && TakeSlug(spi, tenant_id, base)) return base;
  for (int number = 2; number <= kNumbers; ++number) {
    std::string slug = NumberedSlug(base, number);
    if (!IsReserved(spi, slug) && TakeSlug(spi, tenant_id, slug)) return slug;
  }
  std::string slug = SlugFrom(base.substr(0, kMaxSlug - 9) + ' ' + RandomSuffix());
  if (!TakeSlug(spi, tenant_id, slug)) ThrowSlugTaken(slug);
  return slug;
}

void RetireSlug(pg::Spi& spi, const Uuid& tenant_id, const std::string& slug) {
  static pg::Statement statement(
      "UPDATE latchkey.tenant_slugs SET retired_at = $3 WHERE slug = $1 AND tenant_id = $2");
  spi.RunLatest(statement, slug, tenant_id, pg::Now());
}

}  // namespace latchkey::tenants
