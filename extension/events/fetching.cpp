// fetch_events() and ack_events(): batches of a consumer, one at a time.
#include "extension/core/error.hpp"
#include "extension/events/consumers.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::events {

namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kMaxLease = int64_t{24} * 3600 * kSecond;
// In transactions.
constexpr uint64_t kIdleStep = 1000;

using Batch = std::vector<std::vector<pg::Value>>;

pg::Timestamp EndOfLease(pg::Spi& spi, const pg::Raw& lease, pg::Timestamp now) {
  static pg::Statement statement(
      "SELECT CASE WHEN $1 BETWEEN '1 second' AND '1 day' THEN $2 + $1 END");
  const auto end = spi.Read(statement, lease, now)[0].Optional<pg::Timestamp>(1);
  if (end && *end <= now + kMaxLease) return *end;
  throw Error(ErrorCode::kInvalidArgument, "lease must lie between 1 second and 1 day");
}

void Append(Batch& batch, const pg::Row& row, const Uuid& lease_id, int32_t attempt) {
  batch.push_back({pg::ToValue(lease_id), pg::ToValue(attempt)});
  for (const pg::Value& value : Columns(row, kEventColumns)) batch.back().push_back(value);
}

// Those that used up their attempts without saying so (their workers died) are dead.
void BuryExhausted(pg::Spi& spi, const Consumer& consumer, pg::Timestamp now) {
  static pg::Statement statement(R"(
    UPDATE latchkey.event_deliveries
       SET state = 'dead', lease_id = NULL, next_attempt_at = NULL, updated_at = $2
     WHERE consumer = $1 AND state IN ('pending', 'failed') AND next_attempt_at <= $2
       AND attempts >= $3)");
  spi.RunLatest(statement, consumer.name, now, consumer.max_attempts);
}

void FetchDue(pg::Spi& spi, const Consumer& consumer, const Uuid& lease_id, pg::Timestamp now,
              int32_t max_rows, Batch& batch) {
  static pg::Statement due("SELECT " LATCHKEY_EVENT_COLUMNS R"(, d.attempts
      FROM (SELECT account_id, event_id, recorded_at, next_attempt_at, attempts
              FROM latchkey.event_deliveries
             WHERE consumer = $1 AND state IN ('pending', 'failed') AND next_attempt_at <= $2
             ORDER BY next_attempt_at LIMIT $3) AS d
      JOIN latchkey.events e
        ON e.account_id = d.account_id AND e.id = d.event_id AND e.recorded_at = d.recorded_at
     ORDER BY d.next_attempt_at, e.id)");
  static pg::Statement lease(R"(
    UPDATE latchkey.event_deliveries SET lease_id = $4, attempts = attempts + 1, updated_at = $3
     WHERE account_id = $1 AND consumer = $5 AND event_id = $2)");
  BuryExhausted(spi, consumer, now);
  std::vector<std::pair<Uuid, Uuid>> keys;
  const pg::Rows rows = spi.RunLatest(due, consumer.name, now, max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    Append(batch, rows[i], lease_id, rows[i].Get<int32_t>(kEventColumns + 1) + 1);
    keys.emplace_back(rows[i].Get<Uuid>(2), rows[i].Get<Uuid>(1));
  }
  for (const auto& [account_id, id] : keys) {
    spi.RunLatest(lease, account_id, id, now, lease_id, consumer.name);
  }
}

struct Next {
  EventPosition end;     // at the last event, or when there are no more at the feed's end
  bool has_any = false;  // in order, beside those that come again
};

// After a lease that ended by itself the same batch again, so that all of it has had as many
// attempts.
Next FetchNext(pg::Spi& spi, const Consumer& consumer, const Uuid& lease_id, int32_t max_rows,
               Batch& batch) {
  Next next{consumer.position, false};
  if (max_rows == 0) return next;
  const Limit limit = FindLimit(spi);
  // Were the transaction undone that opened the era, and were no other event recorded since, its
  // events would stay hidden.
  if (!limit.horizon.running) EraForWriting(spi);
  const pg::Rows rows = ReadFeed(spi, consumer.position, limit, consumer.filter, max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const EventPosition position = PositionOf(rows[i]);
    if (consumer.attempts > 0 && consumer.batch_end && *consumer.batch_end < position) return next;
    Append(batch, rows[i], lease_id, consumer.attempts + 1);
    next = {position, true};
  }
  if (rows.size() == static_cast<uint64_t>(max_rows) || consumer.attempts > 0) return next;
  const auto all = EndOf(limit.horizon, limit.oldest_xid);
  if (all && next.end < *all) next.end = *all;
  return next;
}

}  // namespace

bool IsWorthNoting(const EventPosition& now, const EventPosition& noted) {
  return now.era != noted.era || now.xid - noted.xid >= kIdleStep;
}

void NotePosition(pg::Spi& spi, const std::string& name, const EventPosition& position) {
  static pg::Statement statement(R"(
    UPDATE latchkey.event_consumers
       SET position = $2, batch_end = NULL, lease_id = NULL, leased_until = NULL, attempts = 0
     WHERE name = $1)");
  spi.RunLatest(statement, name, position.ToString());
}

LATCHKEY_FUNCTION(fetch_events, kOpen) {
  const auto name = args.Text(0, "consumer");
  const int32_t max_rows = PageSize(args, 1);
  args.RequireValue(2, "lease");
  permissions::Require(args, "events.consume");
  static pg::Statement take(R"(
    UPDATE latchkey.event_consumers
       SET batch_end = $2, lease_id = $3, leased_until = $4, attempts = attempts + $5
     WHERE name = $1)");
  Batch batch;
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const pg::Timestamp lease_end = EndOfLease(spi, args.AsIs(2, INTERVALOID), now);
  const auto consumer = TryLockConsumer(spi, name);
  if (consumer && !(consumer->leased_until && now < *consumer->leased_until)) {
    const Uuid lease_id = NewUuid();
    FetchDue(spi, *consumer, lease_id, now, max_rows, batch);
    const auto room = max_rows - static_cast<int32_t>(batch.size());
    const Next next = FetchNext(spi, *consumer, lease_id, room, batch);
    if (!batch.empty()) {
      const int32_t attempt = next.has_any ? 1 : 0;
      spi.RunLatest(take, name, next.end.ToString(), lease_id, lease_end, attempt);
    } else if (IsWorthNoting(next.end, consumer->position)) {
      NotePosition(spi, consumer->name, next.end);
    }
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& event : batch) args.EmitRow(event);
  return args.Void();
}

LATCHKEY_FUNCTION(ack_events, kOpen) {
  const auto name = args.Text(0, "consumer");
  const auto lease_id = args.Get<Uuid>(1, "lease_id");
  const auto through = args.Optional<std::string_view>(2);
  permissions::Require(args, "events.consume");
  static pg::Statement done(R"(
    UPDATE latchkey.event_deliveries
       SET state = 'done', lease_id = NULL, next_attempt_at = NULL, updated_at = $2
     WHERE lease_id = $1)");
  pg::Spi spi;
  const Consumer consumer = LockLeased(spi, name, lease_id);
  EventPosition position = consumer.batch_end.value_or(consumer.position);
  if (through) {
    const EventPosition wanted = ParsePosition(*through, "through");
    if (wanted < consumer.position || position < wanted) {
      throw Error(ErrorCode::kInvalidArgument, "through is not in the batch");
    }
    position = wanted;
  }
  spi.RunLatest(done, lease_id, pg::Now());
  NotePosition(spi, consumer.name, position);
  spi.Finish();
  return args.Return(position.ToString());
}

}  // namespace latchkey::events
