// Writing events, binding a request's metadata and a cause, and keeping the log append-only.
#include "extension/events/events.hpp"

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/events/eras.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/pg/trigger.hpp"

namespace latchkey::events {

namespace {

constexpr size_t kMaxRequestId = 128;
constexpr size_t kMaxUserAgent = 512;

bool removal_allowed = false;

std::optional<std::string> Correlation(const Event& event) {
  if (event.correlation_id) return event.correlation_id;
  const pg::Cause* cause = pg::BoundCause();
  if (cause != nullptr && !cause->correlation_id.empty()) return cause->correlation_id;
  const pg::RequestContext* request = pg::BoundRequest();
  if (request != nullptr && !request->request_id.empty()) return request->request_id;
  return std::nullopt;
}

std::optional<Uuid> Causation(const Event& event) {
  const pg::Cause* cause = pg::BoundCause();
  return event.causation_id || cause == nullptr ? event.causation_id : cause->event_id;
}

}  // namespace

std::optional<std::string> BoundMetadata() {
  const pg::RequestContext* request = pg::BoundRequest();
  if (request == nullptr) return std::nullopt;
  JsonObject json;
  if (!request->request_id.empty()) json.Add("request_id", request->request_id);
  if (!request->client_address.empty()) json.Add("client_address", request->client_address);
  if (!request->user_agent.empty()) json.Add("user_agent", request->user_agent);
  return json.ToString();
}

void Record(pg::Spi& spi, const Event& event) {
  Record(spi, event, {event.account_id, NewUuid(), pg::Now()});
}

void Record(pg::Spi& spi, const Event& event, const EventKey& key) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.events (account_id, id, recorded_at, era, xid, aggregate, aggregate_id,
                                 type, version, data, metadata, idempotency_key, correlation_id,
                                 causation_id, source, actor_id, actor_role)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11::jsonb, $12, $13, $14, $15, $16,
            session_user))");
  const pg::Identity* identity = pg::BoundIdentity();
  std::optional<Uuid> actor;
  if (identity != nullptr) actor = identity->user_id;
  const int32_t era = EraForWriting(spi);
  spi.Run(statement, key.account_id, key.id, key.recorded_at, era, pg::TopTransactionXid(),
          event.aggregate, event.aggregate_id, event.type, event.version, event.data,
          event.metadata ? event.metadata : BoundMetadata(), event.idempotency_key,
          Correlation(event), Causation(event), event.source, actor);
}

void EraseMetadata(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.events SET metadata = NULL, correlation_id = NULL
     WHERE account_id = $1 AND (metadata IS NOT NULL OR correlation_id IS NOT NULL))");
  spi.RunLatest(statement, account_id);
}

RemovalScope::RemovalScope() { removal_allowed = true; }
RemovalScope::~RemovalScope() { removal_allowed = false; }

LATCHKEY_FUNCTION(bind_request, kOpen) {
  static pg::Statement canonical("SELECT host($1)");
  pg::RequestContext request;
  request.request_id = CutText(args.Optional<std::string_view>(0).value_or(""), kMaxRequestId);
  request.user_agent = CutText(args.Optional<std::string_view>(2).value_or(""), kMaxUserAgent);
  if (!args.IsNull(1)) {
    pg::Spi spi;
    request.client_address = spi.Read(canonical, args.AsIs(1, INETOID))[0].Text(1);
    spi.Finish();
  }
  pg::BindRequest(request);
  return args.Void();
}

LATCHKEY_FUNCTION(bind_cause, kOpen) {
  pg::Cause cause;
  cause.event_id = args.Optional<Uuid>(0);
  cause.correlation_id = args.Optional<std::string_view>(1).value_or("");
  if (cause.correlation_id.size() > kMaxCorrelation) {
    throw Error(ErrorCode::kInvalidArgument, "correlation_id is longer than 128 bytes");
  }
  pg::BindCause(cause);
  return args.Void();
}

// BEFORE UPDATE OR DELETE ROW and BEFORE TRUNCATE on events and its partitions. For everybody, the
// owner included.
LATCHKEY_FUNCTION(keep_events, kOpen) {
  const pg::RowTrigger trigger(args);
  if (trigger.IsForRow() && trigger.IsUpdate() &&
      trigger.OnlyClears({"metadata", "correlation_id"})) {
    return trigger.KeepNew();
  }
  if (trigger.IsForRow() && !trigger.IsUpdate() && removal_allowed) return trigger.KeepNew();
  throw Error(ErrorCode::kForbidden, "events are append-only", {},
              "Only metadata and correlation_id can be erased, by setting them to null.");
}

}  // namespace latchkey::events
