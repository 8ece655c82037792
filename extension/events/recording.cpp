// record_event(): events of applications, and the keys that make recording repeatable.
#include "extension/core/error.hpp"
#include "extension/core/idempotency.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/events/rows.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::events {

namespace {

constexpr size_t kMaxName = 100;
constexpr size_t kMaxAggregateId = 255;

[[noreturn]] void Refuse(const char* message, const char* hint = "") {
  throw Error(ErrorCode::kInvalidArgument, message, {}, hint);
}

bool IsWord(std::string_view text) {
  for (const char c : text) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z';
}

void CheckLength(const std::string& text, size_t max, const char* message) {
  if (text.empty() || text.size() > max) Refuse(message);
}

std::optional<std::string> JsonArgument(const pg::Args& args, int index, const char* message) {
  if (args.IsNull(index)) return std::nullopt;
  std::string json = pg::JsonText(args.AsIs(index, JSONBOID).value);
  if (json[0] != '{') Refuse(message);
  return json;
}

// An event's arguments, and its strings, to which it points.
struct Request {
  std::string aggregate;
  std::string type;
  std::string source;
  Event event{};
  Idempotency idempotency;
};

Uuid AccountOf(const pg::Args& args) {
  if (const auto given = args.Optional<Uuid>(4)) return *given;
  const pg::Identity* identity = pg::BoundIdentity();
  const bool is_user = identity != nullptr && identity->kind == pg::Identity::kUser;
  return is_user ? identity->user_id : kPlatform;
}

void CheckForms(const Request& request) {
  if (!IsWord(request.aggregate) || request.aggregate.size() > kMaxName) {
    Refuse("aggregate must be a lower-case word of at most 100 bytes");
  }
  CheckLength(request.event.aggregate_id, kMaxAggregateId,
              "aggregate_id must have from 1 to 255 bytes");
  // Their form is the same as a permission's.
  if (!IsPermissionName(request.type) || request.type.size() > kMaxName) {
    Refuse("type must be lower-case words joined by dots, of at most 100 bytes",
           "Write it thing.verb, as order.paid.");
  }
  if (request.event.version < 1) Refuse("version must be 1 or more");
  CheckLength(request.source, kMaxName, "source must have from 1 to 100 bytes");
  if (request.source == kOwnSource) {
    Refuse("source latchkey is kept for events of Latchkey itself");
  }
  if (request.event.correlation_id) {
    CheckLength(*request.event.correlation_id, kMaxCorrelation,
                "correlation_id must have from 1 to 128 bytes");
  }
}

void TakeArguments(const pg::Args& args, Request& request) {
  Event& event = request.event;
  request.aggregate = args.Text(0, "aggregate");
  event.aggregate_id = args.Text(1, "aggregate_id");
  request.type = args.Text(2, "type");
  args.RequireValue(3, "data");
  event.data = *JsonArgument(args, 3, "data must be a JSON object");
  event.account_id = AccountOf(args);
  event.version = args.Get<int32_t>(6, "version");
  event.metadata = JsonArgument(args, 7, "metadata must be a JSON object");
  request.source = args.Text(8, "source");
  event.correlation_id = args.Optional<std::string>(9);
  event.causation_id = args.Optional<Uuid>(10);
  event.aggregate = request.aggregate.c_str();
  event.type = request.type.c_str();
  event.source = request.source.c_str();
  CheckForms(request);
  event.idempotency_key = args.Optional<std::string>(5);
  request.idempotency = MakeIdempotency(
      event.idempotency_key,
      {Spell(request.aggregate), Spell(event.aggregate_id), Spell(request.type), Spell(event.data),
       Spell(event.version), Spell(event.metadata), Spell(request.source),
       Spell(event.correlation_id), event.causation_id ? event.causation_id->ToString() : "-"});
}

// What is bound fills what the caller left out.
std::string MergedMetadata(pg::Spi& spi, const std::string& bound, const std::string& given) {
  static pg::Statement statement("SELECT ($1::jsonb || $2::jsonb)::text");
  return spi.Read(statement, bound, given)[0].Text(1);
}

// The event that has the key already. Else the key is `key`'s from now on, and the result is empty.
// Who uses the key at the same time is waited for.
std::vector<pg::Value> TakeKey(pg::Spi& spi, const Idempotency& idempotency, const EventKey& key) {
  static pg::Statement take(R"(
    INSERT INTO latchkey.event_keys (account_id, idempotency_key, event_id, recorded_at,
                                     fingerprint)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, idempotency_key) DO NOTHING)");
  static pg::Statement find(R"(
    SELECT event_id, recorded_at, fingerprint FROM latchkey.event_keys
     WHERE account_id = $1 AND idempotency_key = $2 FOR UPDATE)");
  static pg::Statement take_over(R"(
    UPDATE latchkey.event_keys SET event_id = $3, recorded_at = $4, fingerprint = $5
     WHERE account_id = $1 AND idempotency_key = $2)");
  const pg::Bytes fingerprint{*idempotency.fingerprint};
  spi.RunLatest(take, key.account_id, *idempotency.key, key.id, key.recorded_at, fingerprint);
  if (spi.affected() == 1) return {};
  const pg::Rows rows = spi.RunLatest(find, key.account_id, *idempotency.key);
  if (rows.empty()) throw Error(ErrorCode::kConflict, "the key was just given up; try again");
  const EventKey first{key.account_id, rows[0].Get<Uuid>(1), rows[0].Get<pg::Timestamp>(2)};
  const bool same = rows[0].Text(3) == *idempotency.fingerprint;
  auto event = LoadEvent(spi, first);
  if (event.empty()) {  // retention has removed it, and the key stands for nothing
    spi.RunLatest(take_over, key.account_id, *idempotency.key, key.id, key.recorded_at,
                  fingerprint);
  } else if (!same) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  return event;
}

}  // namespace

LATCHKEY_FUNCTION(record_event, kOpen) {
  Request request;
  TakeArguments(args, request);
  permissions::RequireAccount(args, request.event.account_id, "events.write");
  const EventKey key{request.event.account_id, NewUuid(), pg::Now()};
  pg::Spi spi;
  std::vector<pg::Value> event;
  if (request.idempotency.key) event = TakeKey(spi, request.idempotency, key);
  if (event.empty()) {
    const auto bound = BoundMetadata();
    auto& metadata = request.event.metadata;
    if (bound && metadata) metadata = MergedMetadata(spi, *bound, *metadata);
    Record(spi, request.event, key);
    event = LoadEvent(spi, key);
  }
  spi.Finish();
  return args.ReturnRow(event);
}

}  // namespace latchkey::events
