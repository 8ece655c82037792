// consume and refund_consumption.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/quotas/counters.hpp"

namespace latchkey::quotas {

namespace {

constexpr size_t kMaxKeyBytes = 255;

struct Consumption {
  Quota quota;
  int64_t amount = 0;
  bool refunded = false;
};

std::optional<std::string> ReadKey(const pg::Args& args, int index) {
  auto key = args.Optional<std::string>(index);
  if (key && (key->empty() || key->size() > kMaxKeyBytes)) {
    throw Error(ErrorCode::kInvalidArgument, "idempotency_key must have from 1 to 255 bytes");
  }
  return key;
}

std::optional<Consumption> FindConsumption(pg::Spi& spi, const Uuid& account_id,
                                           const std::string& key) {
  static pg::Statement statement(R"(
    SELECT feature, period, period_start, resets_at, granted_limit, used, amount,
           refunded_at IS NOT NULL
      FROM latchkey.quota_consumptions WHERE account_id = $1 AND idempotency_key = $2)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, key);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  Consumption found;
  found.quota.feature = row.Text(1);
  found.quota.period = {row.Text(2), row.Get<pg::Timestamp>(3), row.Optional<pg::Timestamp>(4)};
  found.quota.limit = row.Optional<int64_t>(5);
  found.quota.used = row.Get<int64_t>(6);
  found.amount = row.Get<int64_t>(7);
  found.refunded = row.Get<bool>(8);
  return found;
}

// The first result of a call that came before with this key; none when there was none.
std::optional<Quota> FindReplay(pg::Spi& spi, const Uuid& account_id,
                                const std::optional<std::string>& key, std::string_view feature,
                                int64_t amount) {
  if (!key) return std::nullopt;
  const auto found = FindConsumption(spi, account_id, *key);
  if (!found) return std::nullopt;
  if (found->quota.feature != feature || found->amount != amount) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  if (found->refunded) {
    throw Error(ErrorCode::kConflict, "what was consumed with this idempotency key was refunded");
  }
  return found->quota;
}

// False when another call has just used the key.
bool Remember(pg::Spi& spi, const Uuid& account_id, const std::string& key, const Quota& quota,
              int64_t amount) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.quota_consumptions (account_id, idempotency_key, feature, amount, period,
                                             period_start, resets_at, granted_limit, used,
                                             consumed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (account_id, idempotency_key) DO NOTHING)");
  const Period& period = quota.period;
  spi.RunLatest(statement, account_id, key, quota.feature, amount, period.kind, period.start,
                period.end, quota.limit, quota.used, pg::Now());
  return spi.affected() > 0;
}

// Whoever waited for the counter looks again: a call with the same key may have come first.
Quota Consume(pg::Spi& spi, const Uuid& account_id, std::string_view feature, int64_t amount,
              const std::optional<std::string>& key) {
  if (const auto replay = FindReplay(spi, account_id, key, feature, amount)) return *replay;
  Quota quota = QuotaOf(spi, account_id, feature);
  const bool counted = Count(spi, account_id, quota, amount);
  if (counted && (!key || Remember(spi, account_id, *key, quota, amount))) return quota;
  if (counted) Uncount(spi, account_id, quota.feature, quota.period, amount);
  if (const auto replay = FindReplay(spi, account_id, key, feature, amount)) return *replay;
  if (counted) throw Error(ErrorCode::kConflict, "the call was undone; try again");
  ThrowExceeded(quota, amount);
}

}  // namespace

LATCHKEY_FUNCTION(consume, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto feature = args.Text(1, "feature");
  const auto amount = args.Get<int64_t>(2, "amount");
  const auto key = ReadKey(args, 3);
  permissions::RequireAccount(args, account_id, "usage.write");
  CheckAmount(amount);
  pg::Spi spi;
  const Quota quota = Consume(spi, account_id, feature, amount, key);
  spi.Finish();
  return args.ReturnRow(QuotaRow(quota));
}

// Nobody's own to call: who may give back their consumption has no limit.
LATCHKEY_FUNCTION(refund_consumption, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  args.RequireValue(1, "idempotency_key");
  const std::string key = *ReadKey(args, 1);
  permissions::Require(args, "usage.write");
  static pg::Statement mark(R"(
    UPDATE latchkey.quota_consumptions SET refunded_at = $3
     WHERE account_id = $1 AND idempotency_key = $2 AND refunded_at IS NULL)");
  pg::Spi spi;
  LockTimeZone(spi, account_id);
  spi.RunLatest(mark, account_id, key, pg::Now());
  const bool refunded = spi.affected() > 0;
  auto consumption = FindConsumption(spi, account_id, key);
  if (!consumption) throw Error(ErrorCode::kNotFound, "nothing was consumed with this key");
  Quota& quota = consumption->quota;
  if (refunded) {
    Uncount(spi, account_id, quota.feature, quota.period, consumption->amount);
    events::Record(spi, {account_id, "account", account_id.ToString(), "quota.refunded",
                         JsonObject()
                             .Add("feature", quota.feature)
                             .Add("amount", consumption->amount)
                             .Add("idempotency_key", key)
                             .ToString()});
  }
  quota.used = ReadUsed(spi, account_id, quota.feature, quota.period);
  spi.Finish();
  return args.ReturnRow(QuotaRow(quota));
}

}  // namespace latchkey::quotas
