// Routes of the module `events`: reading the log. An event's metadata holds client addresses of
// other people, so a permission within a tenant suffices for none of them.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxPosition = 100;
constexpr size_t kMaxEventName = 100;
constexpr size_t kMaxAggregateId = 255;

Argument PageSize() {
  return QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default.");
}

Route ReadFeed() {
  return Route("GET", "/api/events", "readEvents", "events")
      .Summary(
          "Events in the order in which they became visible, a page at a time, so that none is "
          "missed. Needs events.read on the whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(e), '[]') FROM latchkey.event_feed($1, "
          "coalesce($2::integer, 100), CASE WHEN $3::text IS NOT NULL THEN ARRAY[$3::text] END, "
          "CASE WHEN $4::text IS NOT NULL THEN ARRAY[$4::text] END, $5::timestamptz, "
          "$6::timestamptz) AS e")
      .As(Who::kBearer)
      .Takes(QueryField("after", Type::kText, kMaxPosition,
                        "The position of the last event of the page before."))
      .Takes(PageSize())
      .Takes(QueryField("type", Type::kText, kMaxEventName,
                        "Only of this type, as user.registered; user.* for all that begin so."))
      .Takes(QueryField("aggregate", Type::kText, kMaxEventName,
                        "Only about this kind of thing, as user."))
      .Takes(QueryField("from", Type::kTimestamp, kMaxTimestamp, "Recorded then or later."))
      .Takes(QueryField("before", Type::kTimestamp, kMaxTimestamp, "Recorded before then."))
      .Returns("events", "Event", true)
      .Fails({ErrorId::Forbidden});
}

Route ReadFeedEnd() {
  return Route("GET", "/api/events/end", "readEventsEnd", "events")
      .Summary(
          "Where the events end now: its position as after reads what comes next. Needs "
          "events.read "
          "on the whole platform.")
      .Reads("SELECT row_to_json(e) FROM latchkey.event_feed_end() AS e")
      .As(Who::kBearer)
      .Returns("end", "EventFeedEnd")
      .Fails({ErrorId::Forbidden});
}

Route ListConsumers() {
  return Route("GET", "/api/events/consumers", "listEventConsumers", "events")
      .Summary(
          "Who processes events, and how far behind each is. Needs events.read on the whole "
          "platform.")
      .Reads("SELECT coalesce(json_agg(c), '[]') FROM latchkey.list_event_consumers() AS c")
      .As(Who::kBearer)
      .Returns("consumers", "EventConsumer", true)
      .Fails({ErrorId::Forbidden});
}

// Without an account, for which SQL would take a permission in the tenant that it is.
Route ReadHistory() {
  return Route("GET", "/api/events/{aggregate}/{aggregate_id}", "readEventHistory", "events")
      .Summary(
          "What happened to one thing, newest first, a page at a time. Needs events.read on the "
          "whole platform.")
      .Reads(
          "SELECT coalesce(json_agg(e), '[]') FROM latchkey.event_history($1, $2, NULL, $3::uuid, "
          "coalesce($4::integer, 100), true) AS e")
      .As(Who::kBearer)
      .Takes(PathPart("aggregate", Type::kText, kMaxEventName, "The kind of thing, as user."))
      .Takes(PathPart("aggregate_id", Type::kText, kMaxAggregateId, "Which one."))
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(PageSize())
      .Returns("events", "Event", true)
      .Fails({ErrorId::Forbidden});
}

}  // namespace

std::vector<Route> EventRoutes() {
  return {ReadFeed(), ReadFeedEnd(), ListConsumers(), ReadHistory()};
}

}  // namespace latchkey
