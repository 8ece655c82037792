// What a worker does with one delivery: begin_webhook(), POST, end_webhook().
#include "extension/core/error.hpp"
#include "extension/core/utf8.hpp"
#include "extension/core/webhook_url.hpp"
#include "extension/jobs/store.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/settings.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::webhooks {

namespace {

constexpr size_t kMaxError = 500;

struct Delivery {
  Uuid endpoint_id, event_id;
  pg::Timestamp event_recorded_at;
  Uuid event_account_id;
  std::string event_type;
  int32_t attempts = 0;
};

std::optional<Delivery> FindDelivery(pg::Spi& spi, const jobs::Lease& lease) {
  static pg::Statement statement(R"(
    SELECT endpoint_id, event_id, event_recorded_at, event_account_id, event_type, attempts
      FROM latchkey.webhook_deliveries WHERE account_id = $1 AND job_id = $2)");
  const pg::Rows rows = spi.RunLatest(statement, lease.account_id, lease.job_id);
  if (rows.empty()) return std::nullopt;
  return Delivery{rows[0].Get<Uuid>(1), rows[0].Get<Uuid>(2), rows[0].Get<pg::Timestamp>(3),
                  rows[0].Get<Uuid>(4), rows[0].Text(5),      rows[0].Get<int32_t>(6)};
}

struct Target {
  WebhookUrl url;
  SealedSecrets secrets;
};

std::optional<Target> FindTarget(pg::Spi& spi, const jobs::Lease& lease, const Uuid& id) {
  static pg::Statement statement(R"(
    SELECT url, secret, previous_secret, previous_secret_expires_at
      FROM latchkey.webhook_endpoints WHERE account_id = $1 AND id = $2 AND active)");
  const pg::Rows rows = spi.RunLatest(statement, lease.account_id, id);
  if (rows.empty()) return std::nullopt;
  Target target;
  ParseWebhookUrl(rows[0].Text(1), target.url);
  target.secrets = {rows[0].Text(2), rows[0].Optional<std::string>(3),
                    rows[0].Optional<pg::Timestamp>(4)};
  return target;
}

// Without metadata, correlation_id and actor: those are about people, and not for another's server.
std::optional<std::string> BodyOf(pg::Spi& spi, const Delivery& delivery) {
  static pg::Statement statement(R"(
    SELECT json_build_object(
             'id', id, 'type', type, 'version', version, 'account_id', account_id,
             'aggregate', aggregate, 'aggregate_id', aggregate_id, 'data', data,
             'recorded_at', to_char(recorded_at AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
      FROM latchkey.events WHERE account_id = $1 AND id = $2 AND recorded_at = $3)");
  const pg::Rows rows = spi.RunLatest(statement, delivery.event_account_id, delivery.event_id,
                                      delivery.event_recorded_at);
  if (rows.empty()) return std::nullopt;
  return rows[0].Text(1);
}

// The endpoint's row before the delivery's, as who deletes an endpoint takes them.
void NoteOutcome(pg::Spi& spi, const jobs::Lease& lease, const Uuid& endpoint_id, bool delivered) {
  static constexpr settings::DurationSetting kDisableAfter("webhooks.disable_after");
  static pg::Statement recovered(R"(
    UPDATE latchkey.webhook_endpoints SET failing_since = NULL
     WHERE account_id = $1 AND id = $2 AND failing_since IS NOT NULL)");
  static pg::Statement failing(R"(
    UPDATE latchkey.webhook_endpoints SET failing_since = $3
     WHERE account_id = $1 AND id = $2 AND failing_since IS NULL)");
  static pg::Statement disable(R"(
    UPDATE latchkey.webhook_endpoints
       SET active = false, disabled_reason = 'failing', updated_at = $3
     WHERE account_id = $1 AND id = $2 AND active AND failing_since < $4)");
  if (delivered) {
    spi.RunLatest(recovered, lease.account_id, endpoint_id);
    return;
  }
  const pg::Timestamp now = pg::Now();
  spi.RunLatest(failing, lease.account_id, endpoint_id, now);
  const int64_t patience = kDisableAfter.Micros(spi);
  if (patience == 0) return;
  spi.RunLatest(disable, lease.account_id, endpoint_id, now, now + -patience);
  if (spi.affected() == 1) RecordEvent(spi, lease.account_id, endpoint_id, "webhook.disabled");
}

}  // namespace

LATCHKEY_FUNCTION(begin_webhook, kOpen) {
  const jobs::Lease lease = jobs::LeaseArguments(args);
  static constexpr settings::DurationSetting kTimeout("webhooks.timeout");
  settings::LoadMasterKey();
  pg::Spi spi;
  jobs::LockLeased(spi, lease.account_id, lease.job_id, lease.token);
  const auto delivery = FindDelivery(spi, lease);
  const auto target = delivery ? FindTarget(spi, lease, delivery->endpoint_id) : std::nullopt;
  const auto body = target ? BodyOf(spi, *delivery) : std::nullopt;
  if (!body) {
    const char* reason = target ? "the event has been removed" : "the endpoint is not active";
    jobs::Finish(spi, lease.account_id, lease.job_id, target ? "failed" : "cancelled", reason);
    spi.Finish();
    return args.Null();
  }
  const Secrets secrets = OpenSecrets(target->secrets, lease.account_id, delivery->endpoint_id);
  const std::string signature = Sign(secrets, pg::Now().UnixSeconds(), *body);
  const auto timeout_ms = static_cast<int32_t>(kTimeout.Micros(spi) / 1000);
  spi.Finish();
  return args.ReturnRow({pg::ToValue(delivery->endpoint_id), pg::ToValue(delivery->event_id),
                         pg::ToValue(delivery->event_type), pg::ToValue(target->url.is_https),
                         pg::ToValue(target->url.host), pg::ToValue(int32_t{target->url.port}),
                         pg::ToValue(target->url.target), pg::ToValue(*body),
                         pg::ToValue(signature), pg::ToValue(delivery->attempts + 1),
                         pg::ToValue(timeout_ms)});
}

LATCHKEY_FUNCTION(end_webhook, kOpen) {
  const jobs::Lease lease = jobs::LeaseArguments(args);
  const auto status = args.Optional<int32_t>(3);
  auto error = args.Optional<std::string>(4);
  const auto duration_ms = args.Optional<int32_t>(5);
  static pg::Statement note(R"(
    UPDATE latchkey.webhook_deliveries
       SET attempts = attempts + 1, response_status = $3, error = $4, duration_ms = $5,
           last_attempt_at = $6, delivered_at = CASE WHEN $7 THEN $6 END
     WHERE account_id = $1 AND job_id = $2)");
  const bool delivered = status && *status >= 200 && *status <= 299 && !error;
  if (!delivered && !error) {
    error = status ? "the answer was " + std::to_string(*status) : "there was no answer";
  }
  if (error) error = std::string(CutText(*error, kMaxError));
  pg::Spi spi;
  jobs::LockLeased(spi, lease.account_id, lease.job_id, lease.token);
  const auto delivery = FindDelivery(spi, lease);
  if (delivery) NoteOutcome(spi, lease, delivery->endpoint_id, delivered);
  spi.RunLatest(note, lease.account_id, lease.job_id, status, error, duration_ms, pg::Now(),
                delivered);
  const char* outcome = "delivered";
  if (delivered) {
    jobs::Complete(spi, lease, pg::Raw{JSONBOID});
  } else {
    outcome = jobs::Fail(spi, lease, *error, true) ? "retrying" : "dead";
  }
  spi.Finish();
  return args.Return(std::string_view(outcome));
}

}  // namespace latchkey::webhooks
