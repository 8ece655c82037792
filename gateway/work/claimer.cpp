// Claiming: at once when there is a notification or a free slot, else from time to time.
#include "gateway/work/claimer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/work/handlers.hpp"

namespace latchkey {
namespace {

constexpr int64_t kSchedulesEveryMs = 1000;
// What was claimed ahead is another worker's after this time, when the jobs before it take long.
constexpr int64_t kMostWaitMs = 1000;
constexpr int64_t kStatementTimeoutMs = 30000;
constexpr int64_t kFirstBackoffMs = 100;
constexpr int64_t kMaxBackoffMs = 5000;
constexpr int64_t kAfterErrorMs = 5000;
// A claim need not survive a crash of the server, for which a job would wait: whatever is committed
// for the job afterwards is written to disk behind it. If nothing is, somebody claims it anew.
constexpr char kClaim[] =
    "SELECT c.account_id, c.id, c.type, c.lease_token"
    " FROM set_config('synchronous_commit', 'off', true),"
    " latchkey.claim_jobs($1, $2, $3, make_interval(secs => $4)) AS c";
constexpr char kListen[] = "LISTEN latchkey_jobs";
constexpr char kAwait[] = "SELECT latchkey.await_jobs($1)";
// What comes due is counted, so that it is claimed without waiting for the next poll.
constexpr char kSchedules[] = "SELECT latchkey.run_due_schedules()";
constexpr char kSweep[] = "SELECT s.promoted + s.requeued FROM latchkey.sweep_jobs() AS s";
constexpr char kDispatch[] = "SELECT latchkey.dispatch_webhooks()";
constexpr char kRelease[] = "SELECT latchkey.release_job($1, $2, $3)";
constexpr char kExtend[] = "SELECT latchkey.extend_lease($1, $2, $3, make_interval(secs => $4))";

std::string WorkerName() {
  char host[128] = "";
  gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + std::to_string(getpid());
}

bool IsOver(const SqlError& error) {
  return error.sqlstate == "LK410" || error.sqlstate == "LK404";
}

}  // namespace

Claimer::Claimer(Options options, JobBoard& board)
    : options_(std::move(options)),
      name_(WorkerName()),
      types_(HandledTypes()),
      statement_types_(HandledTypes(JobKind::kStatement)),
      outside_types_(HandledTypes(JobKind::kOutside)),
      board_(board),
      session_(options_.database_url) {}

void Claimer::Run(const std::atomic<bool>& give_up) {
  while (!give_up && !(board_.closed() && board_.AwaitEmpty(0))) {
    if (!session_.connected()) {
      Reconnect(give_up);
      continue;
    }
    const bool working = !board_.closed();
    const int64_t now_ms = MonotonicMs();
    if (now_ms >= next_extension_ms_ && !ExtendLeases()) continue;
    if (working && now_ms >= next_schedules_ms_ && !RunSchedules()) continue;
    claim_wanted_ |= session_.TakeNotifications() || board_.TakeFreed() || now_ms >= next_poll_ms_;
    if (working && claim_wanted_ && board_.Room() > 0) {
      Claim();
    } else {
      Sleep(NextWork());
    }
  }
}

int64_t Claimer::NextWork() const {
  const int64_t due_ms = std::min(next_schedules_ms_, next_extension_ms_);
  // Without room nothing is claimed; when there is, we are woken.
  if (board_.closed()) return next_extension_ms_;
  return board_.Room() > 0 ? std::min(due_ms, next_poll_ms_) : due_ms;
}

void Claimer::Reconnect(const std::atomic<bool>& give_up) {
  if (session_.Connect()) {
    backoff_ms_ = 0;
    claim_wanted_ = true;
    awaiting_ = false;
    listening_ = false;
    next_extension_ms_ = 0;
    LogEvent("info", "the worker is connected", {{"worker", name_}});
    return;
  }
  backoff_ms_ = std::min(std::max(backoff_ms_ * 2, kFirstBackoffMs), kMaxBackoffMs);
  const int64_t until_ms = MonotonicMs() + backoff_ms_;
  while (!give_up && MonotonicMs() < until_ms && !(board_.closed() && board_.AwaitEmpty(0))) {
    usleep(50000);
  }
}

bool Claimer::Check(const TransactionResult& result, const char* what) {
  if (!result.error) return true;
  LogEvent("error", what,
           {{"sqlstate", result.error->sqlstate}, {"message", result.error->message}});
  return !result.error->sqlstate.empty();
}

// Servers that answer slowly must not hold up what Latchkey itself needs done: jobs that wait for
// them never take the last thread.
void Claimer::Claim() {
  next_poll_ms_ = MonotonicMs() + options_.poll_ms;
  const size_t room = board_.Room();
  const auto own = ClaimOf(JobKind::kStatement, room);
  if (!own) return;
  const size_t room_for_outside = board_.RoomForOutside();
  const auto outside = ClaimOf(JobKind::kOutside, room_for_outside);
  if (!outside) return;
  if (*own + *outside > 0) awaiting_ = false;  // a claim that finds something ends it
  if (*own == room || (*outside > 0 && *outside == room_for_outside)) return;
  // That was all: say that we wait, and look once more.
  claim_wanted_ = !awaiting_;
  if (!awaiting_) Await();
}

std::optional<size_t> Claimer::ClaimOf(JobKind kind, size_t most) {
  if (most == 0) return 0;
  const std::string& types = kind == JobKind::kOutside ? outside_types_ : statement_types_;
  const TransactionResult claimed =
      session_.Run(kClaim, {types, name_, std::to_string(most), std::to_string(options_.lease_s)},
                   kStatementTimeoutMs);
  if (claimed.error) {
    claim_wanted_ = false;
    next_poll_ms_ = MonotonicMs() + std::max(options_.poll_ms, kAfterErrorMs);
    Check(claimed, "the worker can't claim jobs");
    return std::nullopt;
  }
  const int rows = PQntuples(claimed.rows.get());
  const int64_t now_ms = MonotonicMs();
  for (int row = 0; row < rows; ++row) {
    const auto text = [&](int column) { return PQgetvalue(claimed.rows.get(), row, column); };
    auto job = std::make_shared<HeldJob>();
    job->account_id = text(0);
    job->id = text(1);
    job->type = text(2);
    job->lease_token = text(3);
    job->leased_ms = now_ms;
    job->is_outside = kind == JobKind::kOutside;
    if (!board_.Put(job)) GiveBack(*job);
  }
  return static_cast<size_t>(rows);
}

void Claimer::GiveBack(const HeldJob& job) {
  Check(session_.Run(kRelease, {job.account_id, job.id, job.lease_token}, kStatementTimeoutMs),
        "the worker can't give a job back");
}

void Claimer::Await() {
  awaiting_ = true;
  if (!listening_) {
    if (!Check(session_.Run(kListen, {}, kStatementTimeoutMs), "the worker can't listen")) return;
    listening_ = true;
  }
  Check(session_.Run(kAwait, {types_}, kStatementTimeoutMs), "the worker can't say that it waits");
}

// What was found to do is claimed at once.
bool Claimer::RunEverySecond(const char* sql, const char* what) {
  const TransactionResult result = session_.Run(sql, {}, kStatementTimeoutMs);
  if (!result.error && std::string(PQgetvalue(result.rows.get(), 0, 0)) != "0") {
    claim_wanted_ = true;
  }
  if (result.error) next_schedules_ms_ = MonotonicMs() + kAfterErrorMs;
  return Check(result, what);
}

bool Claimer::RunSchedules() {
  const int64_t now_ms = MonotonicMs();
  next_schedules_ms_ = now_ms + kSchedulesEveryMs;
  for (const HeldJobPtr& job : board_.Held()) job->StopIfLate(now_ms);
  const std::vector<HeldJobPtr> waiting = board_.TakeWaiting(now_ms - kMostWaitMs);
  for (const HeldJobPtr& job : waiting) GiveBack(*job);
  board_.Done(waiting);
  return RunEverySecond(kSchedules, "the worker can't run schedules") &&
         RunEverySecond(kSweep, "the worker can't sweep jobs") &&
         RunEverySecond(kDispatch, "the worker can't dispatch webhooks");
}

bool Claimer::ExtendLeases() {
  const int64_t now_ms = MonotonicMs();
  const int64_t third_ms = options_.lease_s * 1000 / 3;
  next_extension_ms_ = now_ms + third_ms / 2;
  for (const HeldJobPtr& job : board_.Held()) {
    if (now_ms < job->leased_ms + third_ms) continue;
    const TransactionResult extended = session_.Run(
        kExtend, {job->account_id, job->id, job->lease_token, std::to_string(options_.lease_s)},
        kStatementTimeoutMs);
    if (!extended.error) {
      job->leased_ms = now_ms;
    } else if (IsOver(*extended.error)) {
      job->lost = true;
      job->Interrupt();
    } else if (!Check(extended, "the worker can't extend a lease")) {
      return false;
    }
  }
  return true;
}

void Claimer::Sleep(int64_t until_ms) {
  const int64_t left_ms = std::max<int64_t>(0, until_ms - MonotonicMs());
  pollfd ready[2] = {{session_.socket(), POLLIN, 0}, {board_.wake_fd(), POLLIN, 0}};
  if (poll(ready, 2, static_cast<int>(left_ms)) <= 0) return;
  if (ready[1].revents) board_.Drain();
  if (ready[0].revents) session_.ReadSocket();
}

}  // namespace latchkey
