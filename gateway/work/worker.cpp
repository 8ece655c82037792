// Running jobs, and ending.
#include "gateway/work/worker.hpp"

#include <unistd.h>

#include <cstdlib>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/work/handlers.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTellTimeoutMs = 10000;
constexpr int64_t kAfterInterruptMs = 3000;
constexpr useconds_t kPauseUs = 200000;
constexpr char kFail[] = "SELECT latchkey.fail_job($1, $2, $3, $4)";
constexpr char kRelease[] = "SELECT latchkey.release_job($1, $2, $3)";

}  // namespace

Worker::Worker(const Options& options)
    : options_(options),
      board_(static_cast<size_t>(options.threads)),
      claimer_(options.claimer, board_),
      completer_(options.claimer.database_url, options.claimer.lease_s, board_) {}

void Worker::Start() {
  const auto start = [this](auto body) {
    ++threads_alive_;
    threads_.emplace_back([this, body] {
      body();
      --threads_alive_;
    });
  };
  start([this] { claimer_.Run(give_up_); });
  start([this] { completer_.Run(give_up_); });
  for (long i = 0; i < options_.threads; ++i) start([this] { RunJobs(); });
}

bool Worker::Stop(int64_t grace_ms) {
  board_.Close();
  if (!board_.AwaitEmpty(grace_ms)) {
    board_.Interrupt();
    board_.AwaitEmpty(kAfterInterruptMs);
  }
  give_up_ = true;
  completer_.Close();
  const int64_t until_ms = MonotonicMs() + kAfterInterruptMs;
  while (threads_alive_ > 0 && MonotonicMs() < until_ms) usleep(10000);
  if (threads_alive_ > 0) return false;
  for (std::thread& thread : threads_) thread.join();
  return true;
}

void Worker::RunJobs() {
  WorkSession session(options_.claimer.database_url);
  while (const HeldJobPtr job = board_.Take()) {
    session.CloseIfDead();
    Handle(session, job);
  }
}

void Worker::Handle(WorkSession& session, const HeldJobPtr& job) {
  const JobHandler* handler = FindJobHandler(job->type);
  std::optional<int64_t> rows;
  if (board_.closed() || !handler) {
    if (!job->lost) Release(session, *job);
  } else if (handler->step) {
    rows = RunStatements(session, *job, handler->step);
  } else if (job->type == kHostnameType) {
    VerifyHostname(session, *job);
  } else if (job->type == kSyncUsersType) {
    rows = SyncTenantUsers(session, *job);
  } else if (job->type == kCompareUsersType) {
    rows = CompareTenantUsers(session, *job);
  } else {
    DeliverWebhook(session, *job);
  }
  board_.Ran(job);
  if (rows) return completer_.Add(job, *rows);
  if (job->lost) LogLost(*job);
  board_.Done({job});
}

std::optional<int64_t> Worker::RunStatements(WorkSession& session, HeldJob& job, const char* step) {
  int64_t rows = 0;
  while (!job.lost) {
    if (board_.closed()) {
      Release(session, job);
      break;
    }
    const TransactionResult result = session.Run(step, {}, 0, &job.interrupt);
    if (result.error) {
      FailOrRelease(session, job, *result.error);
      break;
    }
    const int64_t done = std::strtoll(PQgetvalue(result.rows.get(), 0, 0), nullptr, 10);
    if (done == 0) return rows;
    rows += done;
  }
  return std::nullopt;
}

void Worker::FailOrRelease(WorkSession& session, HeldJob& job, const SqlError& error) {
  if (job.lost) return;
  job.interrupt ? Release(session, job) : Fail(session, job, error);
}

bool Worker::Tell(WorkSession& session, HeldJob& job, const char* sql,
                  std::vector<Parameter> values) {
  values.insert(values.begin(), {job.account_id, job.id, job.lease_token});
  // Beyond that time the lease is over, and somebody else has the job.
  const int64_t until_ms = MonotonicMs() + options_.claimer.lease_s * 1000;
  while (true) {
    const TransactionResult told = session.Run(sql, values, kTellTimeoutMs);
    if (!told.error) return true;
    if (!told.error->sqlstate.empty() || give_up_ || MonotonicMs() >= until_ms) {
      LogEvent("error", "the outcome of a job was not accepted",
               {{"type", job.type},
                {"id", job.id},
                {"sqlstate", told.error->sqlstate},
                {"message", told.error->message}});
      return false;
    }
    usleep(kPauseUs);
  }
}

void Worker::Fail(WorkSession& session, HeldJob& job, const SqlError& error) {
  LogEvent("error", "a job failed",
           {{"type", job.type},
            {"id", job.id},
            {"sqlstate", error.sqlstate},
            {"message", error.message}});
  failed_.fetch_add(1, std::memory_order_relaxed);
  const std::string code = error.sqlstate.empty() ? "" : error.sqlstate + ": ";
  Tell(session, job, kFail, {code + error.message});
}

void Worker::Release(WorkSession& session, HeldJob& job) {
  if (Tell(session, job, kRelease, {})) {
    LogEvent("info", "a job was given back", {{"type", job.type}, {"id", job.id}});
  }
}

}  // namespace latchkey
