// dispatch_webhooks(): from the feed to a job for each event and each endpoint that wants it.
#include "extension/core/error.hpp"
#include "extension/events/following.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/settings.hpp"
#include "extension/webhooks/delivery.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::webhooks {

namespace {

constexpr int32_t kMaxEvents = 1000;

struct Wanted {
  Uuid account_id, endpoint_id;
  size_t event;  // its index
};

// Jobs that deliver webhooks make events themselves, when they fail: those are told by the list of
// deliveries, or an endpoint that fails would get one event more for each that it missed.
std::vector<Wanted> FindWanted(pg::Spi& spi, const std::vector<events::FollowedEvent>& events) {
  static pg::Statement statement(R"(
    SELECT w.account_id, w.id, e.n
      FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY
             AS e (account_id, id, recorded_at, aggregate, type, n)
      JOIN latchkey.webhook_endpoints w
        ON w.active AND w.account_id IN (e.account_id, '00000000-0000-0000-0000-000000000000')
     WHERE w.active_since <= e.recorded_at
       AND EXISTS (SELECT FROM unnest(w.event_types) AS t
                    WHERE t = '*' OR t = e.type
                       OR (right(t, 2) = '.*' AND starts_with(e.type, left(t, -1))))
       AND (e.aggregate <> 'job' OR NOT EXISTS (
              SELECT FROM latchkey.events o
               WHERE o.account_id = e.account_id AND o.id = e.id AND o.recorded_at = e.recorded_at
                 AND o.data ->> 'type' = $6))
     ORDER BY e.n, w.account_id, w.id)");
  std::vector<pg::Value> columns[5];
  for (const events::FollowedEvent& event : events) {
    columns[0].push_back(pg::ToValue(event.key.account_id));
    columns[1].push_back(pg::ToValue(event.key.id));
    columns[2].push_back(pg::ToValue(event.key.recorded_at));
    columns[3].push_back(pg::ToValue(event.aggregate));
    columns[4].push_back(pg::ToValue(event.type));
  }
  const pg::Rows rows =
      spi.RunLatest(statement, pg::ToArray(UUIDOID, columns[0]), pg::ToArray(UUIDOID, columns[1]),
                    pg::ToArray(TIMESTAMPTZOID, columns[2]), pg::ToArray(TEXTOID, columns[3]),
                    pg::ToArray(TEXTOID, columns[4]), kJobType);
  std::vector<Wanted> wanted;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    wanted.push_back({rows[i].Get<Uuid>(1), rows[i].Get<Uuid>(2),
                      static_cast<size_t>(rows[i].Get<int64_t>(3) - 1)});
  }
  return wanted;
}

void StoreDelivery(pg::Spi& spi, const Wanted& wanted, const events::FollowedEvent& event,
                   const Uuid& job_id) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.webhook_deliveries (account_id, endpoint_id, event_id, event_account_id,
                                             event_recorded_at, event_type, job_id, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING)");
  spi.Run(statement, wanted.account_id, wanted.endpoint_id, event.key.id, event.key.account_id,
          event.key.recorded_at, event.type, job_id, pg::Now());
}

}  // namespace

Uuid EnqueueDelivery(pg::Spi& spi, const Uuid& account_id, const Uuid& endpoint_id,
                     const Uuid& event_id, const std::optional<std::string>& key) {
  static constexpr settings::IntegerSetting kMaxRetries("webhooks.max_retries");
  const std::string payload = "{\"endpoint_id\": \"" + endpoint_id.ToString() +
                              "\", \"event_id\": \"" + event_id.ToString() + "\"}";
  const pg::Param json = pg::JsonParam(payload);
  jobs::NewJob job;
  job.type = kJobType;
  job.priority = kPriority;
  job.max_retries = static_cast<int32_t>(kMaxRetries.Get(spi));
  job.idempotency_key = key;
  job.group_key = endpoint_id.ToString();
  job.payload = pg::Raw{json.type, json.value, json.is_null};
  return jobs::Enqueue(spi, account_id, job);
}

LATCHKEY_FUNCTION(dispatch_webhooks, kOpen) {
  const auto max_events = args.Get<int32_t>(0, "max_events");
  permissions::Require(args, "events.consume");
  if (max_events < 1 || max_events > kMaxEvents) {
    throw Error(ErrorCode::kInvalidArgument, "max_events must lie between 1 and 1000");
  }
  static pg::Statement active("SELECT 1 FROM latchkey.webhook_endpoints WHERE active LIMIT 1");
  pg::RequireWritable("dispatch_webhooks()");
  pg::Spi spi;
  int32_t taken = 0;
  if (!spi.RunLatest(active).empty()) {
    const auto events = events::TakeEvents(spi, kConsumer, max_events);
    taken = static_cast<int32_t>(events.size());
    for (const Wanted& wanted : FindWanted(spi, events)) {
      const events::FollowedEvent& event = events[wanted.event];
      const std::string key =
          "webhook:" + wanted.endpoint_id.ToString() + ":" + event.key.id.ToString();
      const Uuid job_id =
          EnqueueDelivery(spi, wanted.account_id, wanted.endpoint_id, event.key.id, key);
      StoreDelivery(spi, wanted, event, job_id);
    }
  }
  spi.Finish();
  return args.Return(taken);
}

}  // namespace latchkey::webhooks
