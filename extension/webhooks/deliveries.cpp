// list_webhook_deliveries, retry_webhook_delivery, purge_webhook_deliveries.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/jobs/store.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"
#include "extension/webhooks/delivery.hpp"
#include "extension/webhooks/webhooks.hpp"

namespace latchkey::webhooks {

namespace {

constexpr int32_t kMaxRows = 1000;
constexpr int32_t kMaxPurged = 100000;
constexpr int kColumns = 14;

// In the type's order. What the job knows counts: a worker that died has told nothing.
#define LATCHKEY_WEBHOOK_DELIVERY                                                        \
  "SELECT * FROM ("                                                                      \
  "SELECT d.account_id, d.endpoint_id, d.event_id, d.event_type,"                        \
  " CASE WHEN d.delivered_at IS NOT NULL THEN 'delivered'"                               \
  "      WHEN j.status = 'pending' AND j.error IS NOT NULL THEN 'retrying'"              \
  "      WHEN j.status IN ('pending', 'processing') THEN 'pending'"                      \
  "      WHEN j.status = 'cancelled' THEN 'cancelled' ELSE 'dead' END AS status,"        \
  " d.attempts, d.response_status, coalesce(d.error, j.error), d.duration_ms,"           \
  " CASE WHEN j.status = 'pending' THEN j.run_at END, d.created_at, d.last_attempt_at,"  \
  " d.delivered_at, d.job_id"                                                            \
  " FROM latchkey.webhook_deliveries d"                                                  \
  " LEFT JOIN latchkey._job_states j ON j.account_id = d.account_id AND j.id = d.job_id" \
  " WHERE d.account_id = $1 AND d.endpoint_id = $2 "

void CheckStatus(const std::optional<std::string>& status) {
  if (!status) return;
  for (const char* known : {"pending", "retrying", "delivered", "dead", "cancelled"}) {
    if (*status == known) return;
  }
  throw Error(ErrorCode::kInvalidArgument, "there is no such status", {},
              "It is pending, retrying, delivered, dead or cancelled.");
}

// The job of the delivery, whose row is locked. Raises LK404.
Uuid LockDelivery(pg::Spi& spi, const Uuid& account_id, const Uuid& endpoint_id,
                  const Uuid& event_id) {
  static pg::Statement statement(R"(
    SELECT job_id FROM latchkey.webhook_deliveries
     WHERE account_id = $1 AND endpoint_id = $2 AND event_id = $3 FOR UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, endpoint_id, event_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such delivery");
  return rows[0].Get<Uuid>(1);
}

// The endpoint first, as who deletes it or ends an attempt takes it.
void RequireActive(pg::Spi& spi, const Uuid& account_id, const Uuid& endpoint_id) {
  static pg::Statement statement(R"(
    SELECT active FROM latchkey.webhook_endpoints WHERE account_id = $1 AND id = $2 FOR SHARE)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, endpoint_id);
  if (rows.empty()) ThrowNoEndpoint();
  if (rows[0].Get<bool>(1)) return;
  throw Error(ErrorCode::kConflict, "the webhook endpoint is not active", {}, "Activate it first.");
}

}  // namespace

LATCHKEY_FUNCTION(list_webhook_deliveries, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto endpoint_id = args.Get<Uuid>(1, "endpoint_id");
  const auto status = args.Optional<std::string>(2);
  const auto after = args.Optional<Uuid>(3);
  const int32_t max_rows = jobs::Bounded(args, 4, "max_rows", kMaxRows);
  RequireEndpoints(args, account_id, "webhooks.read");
  CheckStatus(status);
  static pg::Statement statement(LATCHKEY_WEBHOOK_DELIVERY R"(
         AND ($4 IS NULL OR d.event_id < $4)) AS l
     WHERE $3 IS NULL OR status = $3 ORDER BY event_id DESC LIMIT $5)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  LoadEndpoint(spi, account_id, endpoint_id);
  const pg::Rows rows = spi.Read(statement, account_id, endpoint_id, status, after, max_rows);
  std::vector<std::vector<pg::Value>> deliveries;
  for (uint64_t i = 0; i < rows.size(); ++i) deliveries.push_back(Columns(rows[i], kColumns));
  spi.Finish();
  args.BeginSet();
  for (const auto& delivery : deliveries) args.EmitRow(delivery);
  return args.Void();
}

LATCHKEY_FUNCTION(retry_webhook_delivery, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto endpoint_id = args.Get<Uuid>(1, "endpoint_id");
  const auto event_id = args.Get<Uuid>(2, "event_id");
  RequireEndpoints(args, account_id, "webhooks.write");
  static pg::Statement renew(R"(
    UPDATE latchkey.webhook_deliveries SET job_id = $4, delivered_at = NULL
     WHERE account_id = $1 AND endpoint_id = $2 AND event_id = $3)");
  static pg::Statement show(LATCHKEY_WEBHOOK_DELIVERY "AND d.event_id = $3) AS l");
  pg::Spi spi;
  RequireActive(spi, account_id, endpoint_id);
  const Uuid job_id = LockDelivery(spi, account_id, endpoint_id, event_id);
  if (const auto job = jobs::LockJob(spi, account_id, job_id)) {
    if (job->lease_token) throw Error(ErrorCode::kConflict, "the event is being sent right now");
    if (!job->is_ready) {
      jobs::ComeDue(spi, account_id, job_id);
      jobs::WakeWorkers(kJobType);
    }
  } else {
    const Uuid next = EnqueueDelivery(spi, account_id, endpoint_id, event_id, std::nullopt);
    spi.RunLatest(renew, account_id, endpoint_id, event_id, next);
  }
  RecordEvent(spi, account_id, endpoint_id, "webhook.retried",
              JsonObject().Add("event_id", event_id.ToString()).ToString());
  const auto delivery =
      Columns(spi.RunLatest(show, account_id, endpoint_id, event_id)[0], kColumns);
  spi.Finish();
  return args.ReturnRow(delivery);
}

LATCHKEY_FUNCTION(purge_webhook_deliveries, kOpen) {
  const int32_t max_rows = jobs::Bounded(args, 0, "max_rows", kMaxPurged);
  permissions::Require(args, "webhooks.write");
  static constexpr settings::DurationSetting kRetention("webhooks.retention");
  static pg::Statement statement(R"(
    DELETE FROM latchkey.webhook_deliveries
     WHERE (account_id, endpoint_id, event_id) IN (
       SELECT account_id, endpoint_id, event_id FROM latchkey.webhook_deliveries
        WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))");
  pg::Spi spi;
  spi.RunLatest(statement, pg::Now() + -kRetention.Micros(spi), max_rows);
  const auto purged = static_cast<int64_t>(spi.affected());
  spi.Finish();
  return args.Return(purged);
}

}  // namespace latchkey::webhooks
