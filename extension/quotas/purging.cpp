// purge_consumptions and purge_usage.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/spi.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::quotas {

namespace {

constexpr int32_t kMaxRows = 100000;
// A billing period may last a year, and the counters of one that runs are in use.
constexpr int64_t kShortestUsageMicros = int64_t{400} * 86400 * 1000000;

int32_t MaxRows(const pg::Args& args) {
  const auto max_rows = args.Get<int32_t>(0, "max_rows");
  permissions::Require(args, "usage.write");
  if (max_rows < 1 || max_rows > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 100000");
  }
  return max_rows;
}

}  // namespace

LATCHKEY_FUNCTION(purge_consumptions, kOpen) {
  const int32_t max_rows = MaxRows(args);
  static constexpr settings::DurationSetting retention("quotas.consumption_retention");
  static pg::Statement statement(R"(
    DELETE FROM latchkey.quota_consumptions
     WHERE (account_id, idempotency_key) IN (
       SELECT account_id, idempotency_key FROM latchkey.quota_consumptions
        WHERE consumed_at < $1 ORDER BY consumed_at LIMIT $2 FOR UPDATE SKIP LOCKED))");
  pg::Spi spi;
  spi.RunLatest(statement, pg::Now() + -retention.Micros(spi), int64_t{max_rows});
  const auto purged = static_cast<int64_t>(spi.affected());
  spi.Finish();
  return args.Return(purged);
}

LATCHKEY_FUNCTION(purge_usage, kOpen) {
  const int32_t max_rows = MaxRows(args);
  static constexpr settings::DurationSetting retention("quotas.usage_retention");
  static pg::Statement statement(R"(
    DELETE FROM latchkey.usage
     WHERE (account_id, feature, period, period_start) IN (
       SELECT account_id, feature, period, period_start FROM latchkey.usage
        WHERE period <> 'ever' AND period_start < $1
        ORDER BY period_start LIMIT $2 FOR UPDATE SKIP LOCKED))");
  pg::RequireWritable("purge_usage()");
  pg::Spi spi;
  int64_t purged = 0;
  if (const int64_t kept = retention.Micros(spi)) {
    spi.RunLatest(statement, pg::Now() + -std::max(kept, kShortestUsageMicros), int64_t{max_rows});
    purged = static_cast<int64_t>(spi.affected());
  }
  spi.Finish();
  return args.Return(purged);
}

}  // namespace latchkey::quotas
