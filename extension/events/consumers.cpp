// Making, listing and dropping consumers, and locking their rows.
#include "extension/events/consumers.hpp"

#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::events {

namespace {

constexpr size_t kMaxName = 100;
constexpr int32_t kMaxAttempts = 100;

#define LATCHKEY_CONSUMER_COLUMNS                                                      \
  "SELECT c.types, c.aggregates, c.max_attempts, c.position, c.batch_end, c.lease_id," \
  " c.leased_until, c.attempts FROM latchkey.event_consumers c WHERE c.name = $1 FOR UPDATE "

[[noreturn]] void ThrowUnknown(std::string_view name) {
  throw Error(ErrorCode::kNotFound, "there is no event consumer \"" + std::string(name) + "\"");
}

Consumer Take(std::string_view name, const pg::Row& row) {
  Consumer consumer;
  consumer.name = name;
  consumer.filter = {row.Copy(1), row.Copy(2)};
  consumer.max_attempts = row.Get<int32_t>(3);
  consumer.position = ParsePosition(row.Text(4), "position");
  if (!row.IsNull(5)) consumer.batch_end = ParsePosition(row.Text(5), "batch_end");
  consumer.lease_id = row.Optional<Uuid>(6);
  consumer.leased_until = row.Optional<pg::Timestamp>(7);
  consumer.attempts = row.Get<int32_t>(8);
  return consumer;
}

EventPosition StartOf(pg::Spi& spi, std::string_view start) {
  if (start == "beginning") return {};
  return start == "now" ? FeedEnd(FindLimit(spi)) : ParsePosition(start, "start");
}

void CheckName(std::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxName;
  for (const char c : name) {
    good = good &&
           ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
  }
  if (!good) {
    throw Error(ErrorCode::kInvalidArgument,
                "a consumer's name has from 1 to 100 of a-z, 0-9, dot, hyphen and underscore");
  }
}

// The columns of latchkey.event_consumer; all consumers for a null name.
std::vector<std::vector<pg::Value>> Describe(pg::Spi& spi, const std::optional<std::string>& name) {
  static pg::Statement consumers(R"(
    SELECT c.name, c.types, c.aggregates, c.max_attempts, c.position, c.leased_until, c.attempts,
           count(d.event_id) FILTER (WHERE d.state IN ('pending', 'failed')),
           count(d.event_id) FILTER (WHERE d.state = 'dead'), c.created_at
      FROM latchkey.event_consumers c LEFT JOIN latchkey.event_deliveries d ON d.consumer = c.name
     WHERE $1 IS NULL OR c.name = $1 GROUP BY c.name ORDER BY c.name COLLATE "C")");
  static pg::Statement next(R"(
    SELECT e.recorded_at FROM latchkey.events e
     WHERE (e.era, e.xid, e.id) > ($1, $2, $3) ORDER BY e.era, e.xid, e.id LIMIT 1)");
  std::vector<std::vector<pg::Value>> result;
  std::vector<EventPosition> positions;
  const pg::Rows rows = spi.Run(consumers, name);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    result.push_back(Columns(rows[i], 10));
    positions.push_back(ParsePosition(rows[i].Text(5), "position"));
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto& p = positions[i];
    const pg::Rows first = spi.Run(next, p.era, pg::FullXid{p.xid}, p.id);
    std::optional<pg::Timestamp> behind;
    if (!first.empty()) behind = first[0].Get<pg::Timestamp>(1);
    result[i].insert(result[i].end() - 1, pg::ToValue(behind));
  }
  return result;
}

}  // namespace

std::optional<Consumer> TryLockConsumer(pg::Spi& spi, std::string_view name) {
  static pg::Statement exists("SELECT 1 FROM latchkey.event_consumers WHERE name = $1");
  static pg::Statement lock(LATCHKEY_CONSUMER_COLUMNS "SKIP LOCKED");
  const pg::Rows rows = spi.RunLatest(lock, name);
  if (!rows.empty()) return Take(name, rows[0]);
  if (spi.RunLatest(exists, name).empty()) ThrowUnknown(name);
  return std::nullopt;
}

Consumer LockLeased(pg::Spi& spi, std::string_view name, const Uuid& lease_id) {
  static pg::Statement lock(LATCHKEY_CONSUMER_COLUMNS);
  const pg::Rows rows = spi.RunLatest(lock, name);
  if (rows.empty()) ThrowUnknown(name);
  Consumer consumer = Take(name, rows[0]);
  if (!consumer.lease_id || *consumer.lease_id != lease_id) {
    throw Error(ErrorCode::kConflict, "the lease has ended", {},
                "Its events are, or will be, fetched again: undo what was done for them.");
  }
  return consumer;
}

bool InsertConsumer(pg::Spi& spi, const std::string& name, const Filter& filter,
                    std::string_view start, int32_t max_attempts) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.event_consumers (name, types, aggregates, max_attempts, position,
                                          created_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING)");
  const std::string position = StartOf(spi, start).ToString();
  spi.RunLatest(statement, name, filter.types, filter.aggregates, max_attempts, position,
                pg::Now());
  return spi.affected() == 1;
}

LATCHKEY_FUNCTION(create_event_consumer, kOpen) {
  const std::string name(args.Text(0, "name"));
  const Filter filter = TakeFilter(args, 1);
  const auto start = args.Text(3, "start");
  const auto max_attempts = args.Get<int32_t>(4, "max_attempts");
  permissions::Require(args, "events.consume");
  CheckName(name);
  if (max_attempts < 1 || max_attempts > kMaxAttempts) {
    throw Error(ErrorCode::kInvalidArgument, "max_attempts must lie between 1 and 100");
  }
  pg::Spi spi;
  CheckFilter(spi, filter);
  if (!InsertConsumer(spi, name, filter, start, max_attempts)) {
    throw Error(ErrorCode::kAlreadyExists, "there is an event consumer of this name already");
  }
  const auto consumer = Describe(spi, name);
  spi.Finish();
  return args.ReturnRow(consumer.at(0));
}

LATCHKEY_FUNCTION(list_event_consumers, kOpen) {
  permissions::Require(args, "events.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto consumers = Describe(spi, std::nullopt);
  spi.Finish();
  args.BeginSet();
  for (const auto& consumer : consumers) args.EmitRow(consumer);
  return args.Void();
}

LATCHKEY_FUNCTION(drop_event_consumer, kOpen) {
  const auto name = args.Text(0, "consumer");
  permissions::Require(args, "events.consume");
  static pg::Statement consumer("DELETE FROM latchkey.event_consumers WHERE name = $1");
  static pg::Statement deliveries("DELETE FROM latchkey.event_deliveries WHERE consumer = $1");
  pg::Spi spi;
  spi.RunLatest(consumer, name);
  if (spi.affected() == 0) ThrowUnknown(name);
  spi.RunLatest(deliveries, name);
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::events
