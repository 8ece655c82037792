// Digests of addresses. Without the key nobody can test whether an address is among them.
#include "extension/trials/addresses.hpp"

#include "extension/core/digest.hpp"
#include "extension/core/email.hpp"
#include "extension/core/random.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::trials {

namespace {

constexpr settings::BooleanSetting kOncePerAddress("trials.once_per_address");
constexpr const char* kKeyName = "trial_addresses";
constexpr const char* kKeyContext = "trial_keys\ntrial_addresses";

std::optional<std::string> FindWrappedKey(pg::Spi& spi) {
  static pg::Statement statement("SELECT wrapped_key FROM latchkey.trial_keys WHERE name = $1");
  const pg::Rows rows = spi.RunLatest(statement, kKeyName);
  if (rows.empty()) return std::nullopt;
  return rows[0].Text(1);
}

// Two first trials at once make one key: the second waits at the insert, and then finds it.
std::string FindOrMakeWrappedKey(pg::Spi& spi) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.trial_keys (name, wrapped_key, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO NOTHING)");
  if (auto wrapped = FindWrappedKey(spi)) return *wrapped;
  const std::string wrapped = settings::SealWithMasterKey(RandomBytes(32), kKeyContext);
  spi.RunLatest(insert, kKeyName, pg::Bytes{wrapped}, pg::Now());
  return FindWrappedKey(spi).value_or(wrapped);
}

// Mail to ann+tag@… reaches ann@…, wherever subaddresses (RFC 5233) are known; where they are not,
// two who differ in a tag alone share their trial.
std::string WithoutTag(std::string key) {
  const size_t at = key.rfind('@');
  const size_t plus = key.find('+');
  if (plus == std::string::npos || plus == 0 || plus > at) return key;
  return key.erase(plus, at - plus);
}

std::optional<std::string> FindAddress(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement("SELECT email FROM latchkey.users WHERE id = $1");
  pg::Rows rows = spi.RunLatest(statement, account_id);
  const pg::Identity* identity = pg::BoundIdentity();
  if (rows.empty() && identity != nullptr && identity->kind == pg::Identity::kUser) {
    rows = spi.RunLatest(statement, identity->user_id);
  }
  if (rows.empty()) return std::nullopt;
  return rows[0].Optional<std::string>(1);
}

}  // namespace

void PrepareAddressKey(pg::Spi& spi) {
  if (kOncePerAddress.Get(spi)) settings::LoadMasterKey();
}

bool TakeAddress(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.trial_addresses (address_digest, taken_at) VALUES ($1, $2)
    ON CONFLICT (address_digest) DO NOTHING)");
  if (!kOncePerAddress.Get(spi)) return true;
  const auto address = FindAddress(spi, account_id);
  if (!address) return true;
  const Secret key = settings::OpenWithMasterKey(FindOrMakeWrappedKey(spi), kKeyContext);
  const std::string digest = HmacSha256(key.view()).Compute(WithoutTag(EmailKey(*address)));
  spi.RunLatest(insert, pg::Bytes{digest}, pg::Now());
  return spi.affected() > 0;
}

}  // namespace latchkey::trials
