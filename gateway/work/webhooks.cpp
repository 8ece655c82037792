// Delivering an event: the database says what to send and signs it, and is told what came of it.
#include <cstdlib>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/work/http_post.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kBeginTimeoutMs = 10000;
constexpr char kBegin[] =
    "SELECT r.endpoint_id, r.event_id, r.event_type, r.is_https, r.host, r.port, r.target, r.body,"
    " r.signature, r.attempt, r.timeout_ms FROM latchkey.begin_webhook($1, $2, $3) AS r";
constexpr char kEnd[] = "SELECT latchkey.end_webhook($1, $2, $3, $4::integer, $5, $6::integer)";

PostRequest RequestOf(const PGresult* row) {
  const auto text = [row](int column) { return std::string(PQgetvalue(row, 0, column)); };
  PostRequest request;
  request.is_https = text(3) == "t";
  request.host = text(4);
  request.port = std::atoi(PQgetvalue(row, 0, 5));
  request.target = text(6);
  request.body = text(7);
  request.timeout_ms = std::atol(PQgetvalue(row, 0, 10));
  request.headers = {{"Latchkey-Signature", text(8)},
                     {"Latchkey-Event-Id", text(1)},
                     {"Latchkey-Event-Type", text(2)},
                     {"Latchkey-Endpoint-Id", text(0)},
                     {"Latchkey-Attempt", text(9)}};
  return request;
}

}  // namespace

void Worker::DeliverWebhook(WorkSession& session, HeldJob& job) {
  const TransactionResult begun =
      session.Run(kBegin, {job.account_id, job.id, job.lease_token}, kBeginTimeoutMs);
  if (begun.error) {
    if (!job.lost) Fail(session, job, *begun.error);
    return;
  }
  if (PQgetisnull(begun.rows.get(), 0, 0)) return;  // nothing is to be sent, and the job is over
  const PostRequest request = RequestOf(begun.rows.get());
  const int64_t began_ms = MonotonicMs();
  const PostOutcome outcome = Post(
      request, options_.webhook_networks,
      [&](std::function<void()> stop) {
        job.SetStop(std::move(stop), began_ms + request.timeout_ms);
      },
      [&job] { job.SetStop({}, 0); });
  if (job.lost) return;
  if (job.interrupt && outcome.status == 0) return Release(session, job);
  const std::string duration_ms = std::to_string(MonotonicMs() - began_ms);
  const Parameter status =
      outcome.status ? Parameter(std::to_string(outcome.status)) : std::nullopt;
  const Parameter error = outcome.error.empty() ? Parameter() : Parameter(outcome.error);
  if (!Tell(session, job, kEnd, {status, error, duration_ms})) return;
  const bool delivered = outcome.status >= 200 && outcome.status <= 299;
  (delivered ? completed_ : failed_).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace latchkey
