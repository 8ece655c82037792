// maintain_events(): partitions for the months to come, and the removal of old ones with what
// belongs to them.
#include "extension/core/error.hpp"
#include "extension/events/rows.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::events {

namespace {

constexpr settings::DurationSetting kRetention("events.retention");
constexpr settings::TextSetting kRetentionAction("events.retention_action");
constexpr int32_t kMaxBatch = 100000;
constexpr int64_t kKeepDone = int64_t{7} * 24 * 3600 * 1000000;

using Report = std::vector<std::vector<pg::Value>>;

void MaintainMonths(pg::Spi& spi, const std::optional<pg::Timestamp>& oldest, Report& report) {
  static pg::Statement statement(
      "SELECT action, object, row_count FROM latchkey._maintain_event_months($1, $2)");
  const std::string removal = kRetentionAction.Get(spi);
  const RemovalScope scope;
  const pg::Rows rows = spi.Run(statement, oldest, removal);
  for (uint64_t i = 0; i < rows.size(); ++i) report.push_back(Columns(rows[i], 3));
}

void Purge(pg::Spi& spi, pg::Statement& statement, const char* table, pg::Timestamp before,
           int32_t batch, Report& report) {
  spi.RunLatest(statement, before, batch);
  if (spi.affected() == 0) return;
  const auto count = static_cast<int64_t>(spi.affected());
  report.push_back({pg::ToValue("purged"), pg::ToValue(table), pg::ToValue(count)});
}

// A month goes as a whole, so what is of the oldest one that is still there stays too.
pg::Timestamp BeginOfMonth(pg::Spi& spi, pg::Timestamp time) {
  static pg::Statement statement("SELECT date_trunc('month', $1, 'UTC')");
  return spi.Read(statement, time)[0].Get<pg::Timestamp>(1);
}

void PurgeRemoved(pg::Spi& spi, pg::Timestamp before, int32_t batch, Report& report) {
  static pg::Statement keys(R"(
    WITH over AS (
      SELECT account_id, idempotency_key FROM latchkey.event_keys
       WHERE recorded_at < $1 ORDER BY recorded_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.event_keys k USING over o
     WHERE k.account_id = o.account_id AND k.idempotency_key = o.idempotency_key)");
  static pg::Statement deliveries(R"(
    WITH over AS (
      SELECT account_id, consumer, event_id FROM latchkey.event_deliveries
       WHERE recorded_at < $1 ORDER BY recorded_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.event_deliveries d USING over o
     WHERE d.account_id = o.account_id AND d.consumer = o.consumer AND d.event_id = o.event_id)");
  Purge(spi, keys, "event_keys", before, batch, report);
  Purge(spi, deliveries, "event_deliveries", before, batch, report);
}

void PurgeDone(pg::Spi& spi, pg::Timestamp before, int32_t batch, Report& report) {
  static pg::Statement done(R"(
    WITH over AS (
      SELECT account_id, consumer, event_id FROM latchkey.event_deliveries
       WHERE state = 'done' AND updated_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM latchkey.event_deliveries d USING over o
     WHERE d.account_id = o.account_id AND d.consumer = o.consumer AND d.event_id = o.event_id)");
  Purge(spi, done, "event_deliveries", before, batch, report);
}

}  // namespace

LATCHKEY_FUNCTION(maintain_events, kOpen) {
  const auto batch = args.Get<int32_t>(0, "batch");
  if (batch < 1 || batch > kMaxBatch) {
    throw Error(ErrorCode::kInvalidArgument, "batch must lie between 1 and 100000");
  }
  permissions::Require(args, "events.write");
  Report report;
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const int64_t retention = kRetention.Micros(spi);
  std::optional<pg::Timestamp> oldest;
  if (retention > 0) oldest = now + -retention;
  MaintainMonths(spi, oldest, report);
  if (oldest) PurgeRemoved(spi, BeginOfMonth(spi, *oldest), batch, report);
  PurgeDone(spi, now + -kKeepDone, batch, report);
  spi.Finish();
  args.BeginSet();
  for (const auto& row : report) args.EmitRow(row);
  return args.Void();
}

}  // namespace latchkey::events
