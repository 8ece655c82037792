// fail_event() and retry_event(): what happens to an event that a consumer could not process.
#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/core/utf8.hpp"
#include "extension/events/consumers.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::events {

namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kFirstBackOff = 10 * kSecond;
constexpr int64_t kMaxBackOff = 3600 * kSecond;
constexpr size_t kMaxError = 2000;  // bytes

// Doubles with each attempt; up to a half less by chance, so that what failed together does not
// come again together.
int64_t BackOff(int32_t attempts) {
  int64_t wait = kFirstBackOff;
  for (int32_t i = 1; i < attempts && wait < kMaxBackOff; ++i) wait *= 2;
  if (wait > kMaxBackOff) wait = kMaxBackOff;
  uint32_t chance = 0;
  FillRandom(&chance, sizeof chance);
  return wait - static_cast<int64_t>(chance % static_cast<uint32_t>(wait / 2));
}

std::optional<pg::Timestamp> AskedTime(pg::Spi& spi, const pg::Raw& retry_in, pg::Timestamp now) {
  static pg::Statement statement("SELECT CASE WHEN $1 BETWEEN '0' AND '30 days' THEN $2 + $1 END");
  if (retry_in.is_null) return std::nullopt;
  const auto time = spi.Read(statement, retry_in, now)[0].Optional<pg::Timestamp>(1);
  if (!time) {
    throw Error(ErrorCode::kInvalidArgument, "retry_in must lie between 0 and 30 days");
  }
  return time;
}

struct Delivery {
  EventKey key;
  int32_t attempts = 1;  // with the one that has failed
};

// Of the running batch: an event that came again, or one of the feed.
Delivery FindInBatch(pg::Spi& spi, const Consumer& consumer, const Uuid& event_id) {
  static pg::Statement again(R"(
    SELECT account_id, recorded_at, attempts FROM latchkey.event_deliveries
     WHERE consumer = $1 AND event_id = $2 AND lease_id = $3)");
  static pg::Statement first(R"(
    SELECT e.account_id, e.recorded_at FROM latchkey.events e
     WHERE (e.era, e.xid, e.id) > ($1, $2, $3) AND (e.era, e.xid, e.id) <= ($4, $5, $6)
       AND e.id = $7)");
  const pg::Rows repeated = spi.RunLatest(again, consumer.name, event_id, *consumer.lease_id);
  if (!repeated.empty()) {
    return {{repeated[0].Get<Uuid>(1), event_id, repeated[0].Get<pg::Timestamp>(2)},
            repeated[0].Get<int32_t>(3)};
  }
  const EventPosition& after = consumer.position;
  const EventPosition end = consumer.batch_end.value_or(after);
  const pg::Rows found = spi.RunLatest(first, after.era, pg::FullXid{after.xid}, after.id, end.era,
                                       pg::FullXid{end.xid}, end.id, event_id);
  if (found.empty()) throw Error(ErrorCode::kNotFound, "the batch has no such event");
  return {{found[0].Get<Uuid>(1), event_id, found[0].Get<pg::Timestamp>(2)}, consumer.attempts};
}

constexpr int kDeliveryColumns = 6;

}  // namespace

LATCHKEY_FUNCTION(fail_event, kOpen) {
  const auto name = args.Text(0, "consumer");
  const auto lease_id = args.Get<Uuid>(1, "lease_id");
  const auto event_id = args.Get<Uuid>(2, "event_id");
  const std::string error(CutText(args.Text(3, "error"), kMaxError));
  permissions::Require(args, "events.consume");
  static pg::Statement write(R"(
    INSERT INTO latchkey.event_deliveries AS d
           (account_id, consumer, event_id, recorded_at, state, attempts, next_attempt_at, error,
            updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (account_id, consumer, event_id) DO UPDATE
       SET state = EXCLUDED.state, attempts = EXCLUDED.attempts, lease_id = NULL,
           next_attempt_at = EXCLUDED.next_attempt_at, error = EXCLUDED.error,
           updated_at = EXCLUDED.updated_at
    RETURNING d.consumer, d.event_id, d.state, d.attempts, d.next_attempt_at, d.error)");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  const auto asked = AskedTime(spi, args.AsIs(4, INTERVALOID), now);
  const Consumer consumer = LockLeased(spi, name, lease_id);
  const Delivery delivery = FindInBatch(spi, consumer, event_id);
  const bool dead = delivery.attempts >= consumer.max_attempts;
  std::optional<pg::Timestamp> next;
  if (!dead) next = asked ? *asked : now + BackOff(delivery.attempts);
  const pg::Rows rows =
      spi.RunLatest(write, delivery.key.account_id, name, event_id, delivery.key.recorded_at,
                    dead ? "dead" : "failed", delivery.attempts, next, error, now);
  const auto columns = Columns(rows[0], kDeliveryColumns);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(retry_event, kOpen) {
  const auto name = args.Text(0, "consumer");
  const auto event_id = args.Get<Uuid>(1, "event_id");
  permissions::Require(args, "events.consume");
  static pg::Statement statement(R"(
    UPDATE latchkey.event_deliveries d
       SET state = 'pending', attempts = 0, next_attempt_at = $3, updated_at = $3
     WHERE d.consumer = $1 AND d.event_id = $2 AND d.state IN ('failed', 'dead')
    RETURNING d.consumer, d.event_id, d.state, d.attempts, d.next_attempt_at, d.error)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(statement, name, event_id, pg::Now());
  if (rows.empty()) {
    throw Error(ErrorCode::kNotFound, "there is no failed or dead delivery of this event");
  }
  const auto columns = Columns(rows[0], kDeliveryColumns);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::events
