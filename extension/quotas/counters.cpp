// Counters of usage and the limits on them.
#include "extension/quotas/counters.hpp"

#include <algorithm>
#include <ctime>

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"

namespace latchkey::quotas {

namespace {

constexpr int64_t kMaxAmount = 1000000000000;

std::string ToIso(pg::Timestamp time) {
  const time_t seconds = time.UnixSeconds();
  struct tm parts = {};
  char text[32] = "";
  if (gmtime_r(&seconds, &parts) != nullptr) {
    std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  }
  return text;
}

std::optional<int64_t> FindUsed(pg::Spi& spi, const Uuid& account_id, const std::string& feature,
                                const Period& period) {
  static pg::Statement statement(R"(
    SELECT used FROM latchkey.usage
     WHERE account_id = $1 AND feature = $2 AND period = $3 AND period_start = $4)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, feature, period.kind, period.start);
  if (rows.empty()) return std::nullopt;
  return rows[0].Get<int64_t>(1);
}

}  // namespace

Quota QuotaOf(pg::Spi& spi, const Uuid& account_id, std::string_view feature) {
  const plans::Entitlements own = plans::EntitlementsOf(spi, account_id);
  if (own.account && own.account->deleted) {
    throw Error(ErrorCode::kNotFound, "there is no such account");
  }
  const plans::Feature& entitled = plans::RequireFeature(spi, own, feature);
  Quota quota{entitled.key, PeriodOf(spi, own, entitled), entitled.granted_limit};
  quota.at = own.at;
  quota.time_zone = TimeZoneOf(own);
  return quota;
}

void CheckAmount(int64_t amount) {
  if (amount >= 1 && amount <= kMaxAmount) return;
  throw Error(ErrorCode::kInvalidArgument, "amount must lie between 1 and 1000000000000");
}

int64_t ReadUsed(pg::Spi& spi, const Uuid& account_id, const std::string& feature,
                 const Period& period) {
  return FindUsed(spi, account_id, feature, period).value_or(0);
}

std::string LockTimeZone(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement("SELECT time_zone FROM latchkey.accounts WHERE id = $1 FOR SHARE");
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such account");
  return rows[0].Text(1);
}

namespace {

// Who has changed the time zone since has carried the counters over to its periods.
void FollowTimeZone(pg::Spi& spi, const Uuid& account_id, Quota& quota) {
  if (quota.period.kind == kEver || IsCountedInUtc(quota.feature)) return;
  const std::string zone = LockTimeZone(spi, account_id);
  if (zone == quota.time_zone) return;
  plans::Entitlements own = plans::EntitlementsOf(spi, account_id);
  own.at = quota.at;
  quota.period = PeriodIn(spi, own, quota.period.kind, zone);
  quota.time_zone = zone;
}

}  // namespace

bool Count(pg::Spi& spi, const Uuid& account_id, Quota& quota, int64_t amount) {
  static pg::Statement update(R"(
    UPDATE latchkey.usage SET used = used + $5
     WHERE account_id = $1 AND feature = $2 AND period = $3 AND period_start = $4 AND used <= $6
     RETURNING used)");
  // The first of the period.
  static pg::Statement insert(R"(
    INSERT INTO latchkey.usage AS u (account_id, feature, period, period_start, used)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account_id, feature, period, period_start)
      DO UPDATE SET used = u.used + EXCLUDED.used WHERE u.used <= $6
    RETURNING u.used)");
  const int64_t most = quota.limit.value_or(PG_INT64_MAX) - amount;  // before this is counted
  Period& period = quota.period;
  pg::Rows rows =
      spi.RunLatest(update, account_id, quota.feature, period.kind, period.start, amount, most);
  if (rows.empty()) {
    accounts::RequireLivingAccount(spi, account_id);
    quota.used = ReadUsed(spi, account_id, quota.feature, period);
    if (quota.used > most) return false;
    FollowTimeZone(spi, account_id, quota);
    rows =
        spi.RunLatest(insert, account_id, quota.feature, period.kind, period.start, amount, most);
    if (rows.empty()) quota.used = ReadUsed(spi, account_id, quota.feature, period);
  }
  if (rows.empty()) return false;
  quota.used = rows[0].Get<int64_t>(1);
  return true;
}

void Uncount(pg::Spi& spi, const Uuid& account_id, const std::string& feature, const Period& period,
             int64_t amount) {
  static pg::Statement statement(R"(
    UPDATE latchkey.usage SET used = greatest(used - $5, 0)
     WHERE account_id = $1 AND feature = $2 AND period = $3 AND period_start = $4)");
  spi.RunLatest(statement, account_id, feature, period.kind, period.start, amount);
}

void ThrowExceeded(const Quota& quota, int64_t amount) {
  std::string detail = "The limit of " + std::to_string(*quota.limit) + " per " +
                       quota.period.kind + " leaves " +
                       std::to_string(std::max<int64_t>(*quota.limit - quota.used, 0)) + " of \"" +
                       quota.feature + "\", and " + std::to_string(amount) + " were asked for.";
  if (quota.period.kind == kEver) {
    detail = "The limit is " + std::to_string(*quota.limit) + ", of which " +
             std::to_string(quota.used) + " are used, and " + std::to_string(amount) + " of \"" +
             quota.feature + "\" were asked for.";
  }
  throw Error(ErrorCode::kQuotaExceeded, "the quota of \"" + quota.feature + "\" is exceeded",
              detail,
              quota.period.end ? "It resets at " + ToIso(*quota.period.end) + "."
                               : "It does not reset by itself.");
}

std::vector<pg::Value> QuotaRow(const Quota& quota) {
  std::optional<int64_t> remaining;
  if (quota.limit) remaining = std::max<int64_t>(*quota.limit - quota.used, 0);
  return {pg::ToValue(quota.feature), pg::ToValue(quota.period.kind),
          pg::ToValue(quota.limit),   pg::ToValue(quota.used),
          pg::ToValue(remaining),     pg::ToValue(quota.period.end)};
}

}  // namespace latchkey::quotas
