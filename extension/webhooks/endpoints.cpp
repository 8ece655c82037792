// Making, changing, rotating, deleting and listing endpoints.
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/core/webhook_url.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/settings.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::webhooks {

namespace {

constexpr settings::BooleanSetting kAllowHttp("webhooks.allow_http");
constexpr settings::IntegerSetting kMaxEndpoints("webhooks.max_endpoints");
constexpr size_t kMaxDescription = 500;
constexpr int kMaxTypes = 100;
constexpr int32_t kMaxRows = 1000;

[[noreturn]] void Refuse(const std::string& message, const char* hint = "") {
  throw Error(ErrorCode::kInvalidArgument, message, {}, hint);
}

// The address behind the host is checked where it counts: by the worker, when it connects.
void CheckUrl(pg::Spi& spi, std::string_view text) {
  WebhookUrl url;
  const std::string wrong = ParseWebhookUrl(text, url);
  if (!wrong.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "the URL is no good for a webhook",
                "In the URL, " + wrong + ".");
  }
  if (!url.is_https && !kAllowHttp.Get(spi)) {
    Refuse("the URL must begin with https://", "Setting webhooks.allow_http allows http:// too.");
  }
}

void CheckTypes(pg::Spi& spi, const pg::Raw& types) {
  static pg::Statement statement(R"(
    SELECT count(*), bool_and(t IS NOT NULL AND length(t) <= 100
                       AND (t = '*' OR t ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?$'))
      FROM unnest($1) AS t)");
  const pg::Rows rows = spi.Read(statement, types);
  const auto count = rows[0].Get<int64_t>(1);
  if (count < 1 || count > kMaxTypes) Refuse("event_types must have from 1 to 100 elements");
  if (!rows[0].Get<bool>(2)) {
    Refuse("event_types holds what is no event's type",
           "Name types as user.registered, all that begin alike as user.*, or all as *.");
  }
}

void CheckDescription(std::string_view text) {
  const auto length = CountCodePoints(text);
  if (!length || *length > kMaxDescription) {
    Refuse("description must have at most 500 characters");
  }
}

void CheckRoom(pg::Spi& spi, const Uuid& account_id) {
  // Two who make the last one at once go one after the other.
  static pg::Statement lock("SELECT 1 FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE");
  static pg::Statement count(
      "SELECT count(*) FROM latchkey.webhook_endpoints WHERE account_id = $1");
  if (account_id == events::kPlatform) return;
  accounts::RequireLivingAccount(spi, account_id);
  spi.RunLatest(lock, account_id);
  const int64_t most = kMaxEndpoints.Get(spi);
  if (spi.RunLatest(count, account_id)[0].Get<int64_t>(1) < most) return;
  throw Error(ErrorCode::kConflict, "the account has as many webhook endpoints as it may have",
              "It may have " + std::to_string(most) + ".",
              "Delete one, or raise setting webhooks.max_endpoints.");
}

// Columns of latchkey.issued_webhook_endpoint, of those of latchkey.webhook_endpoint.
std::vector<pg::Value> WithSecret(const std::vector<pg::Value>& endpoint, std::string_view secret) {
  std::vector<pg::Value> columns(endpoint.begin(), endpoint.begin() + 6);
  columns.push_back(pg::ToValue(secret));
  columns.push_back(endpoint[8]);
  columns.push_back(endpoint[9]);
  return columns;
}

// Locks the row; whether it is active. Raises LK404.
bool LockEndpoint(pg::Spi& spi, const Uuid& account_id, const Uuid& id) {
  static pg::Statement statement(R"(
    SELECT active FROM latchkey.webhook_endpoints WHERE account_id = $1 AND id = $2 FOR UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, id);
  if (rows.empty()) ThrowNoEndpoint();
  return rows[0].Get<bool>(1);
}

pg::Timestamp EndOfOverlap(pg::Spi& spi, const pg::Raw& overlap) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN $1 BETWEEN interval '0' AND interval '30 days' THEN $2 + $1 END)");
  const auto end = spi.Read(statement, overlap, pg::Now())[0].Optional<pg::Timestamp>(1);
  if (!end) Refuse("overlap must lie between 0 and 30 days");
  return *end;
}

}  // namespace

LATCHKEY_FUNCTION(create_webhook_endpoint, kSecret) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const std::string url(args.Text(1, "url"));
  args.RequireValue(2, "event_types");
  const pg::Raw types = args.AsIs(2, TEXTARRAYOID);
  const std::string description(args.Text(3, "description"));
  RequireEndpoints(args, account_id, "webhooks.write");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.webhook_endpoints (account_id, id, url, event_types, description, active,
                                            active_since, secret, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, true, $6, $7, $6, $6))");
  settings::LoadMasterKey();
  pg::Spi spi;
  CheckUrl(spi, url);
  CheckTypes(spi, types);
  CheckDescription(description);
  CheckRoom(spi, account_id);
  AwakeConsumer(spi);
  const Uuid id = NewUuid();
  const std::string secret = NewSecret();
  spi.Run(insert, account_id, id, url, types, description, pg::Now(),
          pg::Bytes{SealSecret(secret, account_id, id)});
  RecordEvent(spi, account_id, id, "webhook.created");
  const std::vector<pg::Value> endpoint = LoadEndpoint(spi, account_id, id);
  spi.Finish();
  return args.ReturnRow(WithSecret(endpoint, secret));
}

LATCHKEY_FUNCTION(update_webhook_endpoint, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "endpoint_id");
  const auto url = args.Optional<std::string>(2);
  const pg::Raw types = args.AsIs(3, TEXTARRAYOID);
  const auto description = args.Optional<std::string>(4);
  const auto active = args.Optional<bool>(5);
  RequireEndpoints(args, account_id, "webhooks.write");
  static pg::Statement change(R"(
    UPDATE latchkey.webhook_endpoints
       SET url = coalesce($3, url), event_types = coalesce($4, event_types),
           description = coalesce($5, description), active = coalesce($6, active),
           active_since = CASE WHEN $7 THEN $8 ELSE active_since END,
           disabled_reason = CASE WHEN $6 THEN NULL ELSE disabled_reason END,
           failing_since = CASE WHEN $6 THEN NULL ELSE failing_since END, updated_at = $8
     WHERE account_id = $1 AND id = $2)");
  pg::Spi spi;
  if (url) CheckUrl(spi, *url);
  if (!types.is_null) CheckTypes(spi, types);
  if (description) CheckDescription(*description);
  if (active.value_or(false)) AwakeConsumer(spi);
  const bool awakes = !LockEndpoint(spi, account_id, id) && active.value_or(false);
  spi.RunLatest(change, account_id, id, url, types, description, active, awakes, pg::Now());
  JsonObject data;
  if (active) data.Add("active", *active);
  RecordEvent(spi, account_id, id, "webhook.changed", data.ToString());
  const std::vector<pg::Value> endpoint = LoadEndpoint(spi, account_id, id);
  spi.Finish();
  return args.ReturnRow(endpoint);
}

LATCHKEY_FUNCTION(rotate_webhook_secret, kSecret) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "endpoint_id");
  args.RequireValue(2, "overlap");
  RequireEndpoints(args, account_id, "webhooks.write");
  static pg::Statement read(
      "SELECT secret FROM latchkey.webhook_endpoints WHERE account_id = $1 AND id = $2");
  static pg::Statement rotate(R"(
    UPDATE latchkey.webhook_endpoints
       SET secret = $3, previous_secret = $4, previous_secret_expires_at = $5, updated_at = $6
     WHERE account_id = $1 AND id = $2)");
  settings::LoadMasterKey();
  pg::Spi spi;
  const pg::Timestamp end = EndOfOverlap(spi, args.AsIs(2, INTERVALOID));
  LockEndpoint(spi, account_id, id);
  const std::string current = spi.RunLatest(read, account_id, id)[0].Text(1);
  const std::string secret = NewSecret();
  spi.RunLatest(rotate, account_id, id, pg::Bytes{SealSecret(secret, account_id, id)},
                pg::Bytes{ResealAsPrevious(current, account_id, id)}, end, pg::Now());
  RecordEvent(spi, account_id, id, "webhook.secret_rotated");
  const std::vector<pg::Value> endpoint = LoadEndpoint(spi, account_id, id);
  spi.Finish();
  return args.ReturnRow(WithSecret(endpoint, secret));
}

LATCHKEY_FUNCTION(delete_webhook_endpoint, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "endpoint_id");
  RequireEndpoints(args, account_id, "webhooks.write");
  static pg::Statement endpoint(
      "DELETE FROM latchkey.webhook_endpoints WHERE account_id = $1 AND id = $2");
  static pg::Statement deliveries(
      "DELETE FROM latchkey.webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2");
  pg::Spi spi;
  spi.RunLatest(endpoint, account_id, id);
  if (spi.affected() == 0) ThrowNoEndpoint();
  spi.RunLatest(deliveries, account_id, id);
  RecordEvent(spi, account_id, id, "webhook.deleted");
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_webhook_endpoints, kOpen) {
  const auto account_id = args.Optional<Uuid>(0);
  const auto after = args.Optional<Uuid>(1);
  const auto max_rows = args.Get<int32_t>(2, "max_rows");
  RequireEndpoints(args, account_id.value_or(events::kPlatform), "webhooks.read");
  if (max_rows < 1 || max_rows > kMaxRows) Refuse("max_rows must lie between 1 and 1000");
  static pg::Statement of_account(LATCHKEY_WEBHOOK_ENDPOINT R"(
     WHERE account_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3)");
  static pg::Statement of_all(LATCHKEY_WEBHOOK_ENDPOINT R"(
     WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = account_id ? spi.Read(of_account, *account_id, after, max_rows)
                                   : spi.Read(of_all, after, max_rows);
  std::vector<std::vector<pg::Value>> endpoints;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    endpoints.push_back(Columns(rows[i], kEndpointColumns));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& endpoint : endpoints) args.EmitRow(endpoint);
  return args.Void();
}

}  // namespace latchkey::webhooks
