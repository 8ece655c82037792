// Writing events, binding a request's metadata, and keeping the log append-only.
#include "extension/events/events.hpp"

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/pg/trigger.hpp"

namespace latchkey::events {

namespace {

constexpr size_t kMaxRequestId = 128;
constexpr size_t kMaxUserAgent = 512;

std::optional<std::string> Metadata(const pg::RequestContext* request) {
  if (request == nullptr) return std::nullopt;
  JsonObject json;
  if (!request->request_id.empty()) json.Add("request_id", request->request_id);
  if (!request->client_address.empty()) json.Add("client_address", request->client_address);
  if (!request->user_agent.empty()) json.Add("user_agent", request->user_agent);
  return json.ToString();
}

}  // namespace

void Record(pg::Spi& spi, const Event& event) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.events (account_id, id, aggregate, aggregate_id, type, data, metadata,
                                 correlation_id, actor_id, actor_role, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, session_user, $10))");
  const pg::RequestContext* request = pg::BoundRequest();
  const pg::Identity* identity = pg::BoundIdentity();
  std::optional<std::string> correlation;
  if (request != nullptr && !request->request_id.empty()) correlation = request->request_id;
  std::optional<Uuid> actor;
  if (identity != nullptr) actor = identity->user_id;
  spi.Run(statement, event.account_id, NewUuid(), event.aggregate, event.aggregate_id, event.type,
          event.data, Metadata(request), correlation, actor, pg::Now());
}

void EraseMetadata(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    UPDATE latchkey.events SET metadata = NULL, correlation_id = NULL
     WHERE account_id = $1 AND (metadata IS NOT NULL OR correlation_id IS NOT NULL))");
  spi.RunLatest(statement, account_id);
}

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

// BEFORE UPDATE OR DELETE ROW and BEFORE TRUNCATE on events. For everybody, the owner included.
LATCHKEY_FUNCTION(keep_events, kOpen) {
  const pg::RowTrigger trigger(args);
  if (trigger.IsForRow() && trigger.IsUpdate() &&
      trigger.OnlyClears({"metadata", "correlation_id"})) {
    return trigger.KeepNew();
  }
  throw Error(ErrorCode::kForbidden, "events are append-only", {},
              "Only metadata and correlation_id can be erased, by setting them to null.");
}

}  // namespace latchkey::events
