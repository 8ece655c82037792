// Checking a hostname: the worker looks its DNS record up, and the database decides.
#include "gateway/work/dns.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kStatementTimeoutMs = 10000;
constexpr char kGone[] = "LK404";
constexpr char kRead[] =
    "SELECT j.payload->>'hostname', j.payload->>'dns_name' FROM latchkey.get_job($1, $2) AS j";
constexpr char kRecord[] =
    "SELECT h.verified_at IS NOT NULL FROM latchkey.record_hostname_check($1, $2, $3, $4) AS h";
constexpr char kEnd[] =
    "SELECT latchkey.complete_job($1, $2, $3, jsonb_build_object('verified', $4::boolean))";

// A text[] literal.
std::string ArrayOf(const std::vector<std::string>& values) {
  std::string array = "{";
  for (const std::string& value : values) {
    array += array.size() > 1 ? ",\"" : "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  return array + "}";
}

}  // namespace

// What DNS says for certain ends the job, whatever it is: the tenant asks again when the record is
// there. When it says nothing, the queue tries again.
void Worker::VerifyHostname(WorkSession& session, HeldJob& job) {
  const TransactionResult read =
      session.Run(kRead, {job.account_id, job.id}, kStatementTimeoutMs, &job.interrupt);
  if (read.error) return FailOrRelease(session, job, *read.error);
  const std::string hostname = PQgetvalue(read.rows.get(), 0, 0);
  const TxtAnswer answer = LookUpTxt(PQgetvalue(read.rows.get(), 0, 1), options_.dns_server);
  if (job.lost) return;
  const Parameter error = answer.error.empty() ? Parameter() : Parameter(answer.error);
  const TransactionResult recorded =
      session.Run(kRecord, {job.account_id, hostname, ArrayOf(answer.values), error},
                  kStatementTimeoutMs, &job.interrupt);
  // Given up meanwhile, or the tenant is deleted: there is nothing left to check.
  const bool is_gone = recorded.error && recorded.error->sqlstate == kGone;
  if (recorded.error && !is_gone) return FailOrRelease(session, job, *recorded.error);
  if (answer.transient && !is_gone) return Fail(session, job, SqlError{"", answer.error, "", ""});
  const bool verified = !is_gone && *PQgetvalue(recorded.rows.get(), 0, 0) == 't';
  if (Tell(session, job, kEnd, {verified ? "true" : "false"})) {
    completed_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace latchkey
