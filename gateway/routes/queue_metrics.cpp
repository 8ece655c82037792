// Reading the views of the queue, and rendering them.
#include "gateway/routes/queue_metrics.hpp"

#include <cstring>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

constexpr int64_t kEveryMs = 15000;
constexpr int64_t kWantedForMs = 120000;
constexpr int64_t kStaleMs = 60000;
constexpr int64_t kStatementTimeoutMs = 5000;

struct Family {
  const char* name;
  const char* help;
};
constexpr Family kFamilies[] = {
    {"latchkey_jobs", "Jobs by type and state; above 1,000 an estimate."},
    {"latchkey_jobs_oldest_seconds", "For how long the oldest job has been due."},
    {"latchkey_jobs_finished_last_minute", "Jobs that ended within the last minute."},
    {"latchkey_jobs_mean_seconds", "How long the last attempts of those took."},
    {"latchkey_jobs_failures_last_day", "Jobs that failed for good or timed out within a day."},
};

}  // namespace

// Types are made of characters that need no escaping.
const char* const kQueueMetricsSql =
    "WITH queue AS MATERIALIZED (SELECT * FROM latchkey.job_queue),"
    " ended AS MATERIALIZED (SELECT * FROM latchkey.job_throughput)"
    " SELECT 'latchkey_jobs', format('type=\"%s\",state=\"%s\"', type, state), jobs::float8"
    " FROM queue"
    " UNION ALL SELECT 'latchkey_jobs_oldest_seconds', format('type=\"%s\",state=\"%s\"', type,"
    " state), greatest(0, extract(epoch FROM clock_timestamp() - oldest_run_at))::float8 FROM queue"
    " UNION ALL SELECT 'latchkey_jobs_finished_last_minute',"
    " format('type=\"%s\",status=\"%s\"', type, status), jobs::float8 FROM ended"
    " UNION ALL SELECT 'latchkey_jobs_mean_seconds',"
    " format('type=\"%s\",status=\"%s\"', type, status), extract(epoch FROM mean_duration)::float8"
    " FROM ended WHERE mean_duration IS NOT NULL"
    " UNION ALL SELECT 'latchkey_jobs_failures_last_day',"
    " format('type=\"%s\",status=\"%s\"', type, status), jobs::float8 FROM latchkey.job_failures"
    " ORDER BY 1, 2";

void QueueMetrics::Start() {
  thread_ = std::thread([this] { Run(); });
}

void QueueMetrics::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string QueueMetrics::Render() {
  std::lock_guard<std::mutex> lock(mutex_);
  const int64_t now_ms = MonotonicMs();
  wanted_ms_ = now_ms;
  changed_.notify_all();
  return read_ms_ != 0 && now_ms - read_ms_ < kStaleMs ? text_ : "";
}

void QueueMetrics::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    const auto wanted = [this] {
      return wanted_ms_ != 0 && MonotonicMs() - wanted_ms_ < kWantedForMs;
    };
    changed_.wait(lock, [&] { return stopping_ || wanted(); });
    if (stopping_) return;
    lock.unlock();
    Read();
    lock.lock();
    changed_.wait_for(lock, std::chrono::milliseconds(kEveryMs), [this] { return stopping_; });
  }
}

void QueueMetrics::Read() {
  const TransactionResult result =
      RunPooled(pool_, {{&statement_, {}}}, {Access::kRead, prepare_, kStatementTimeoutMs});
  if (result.error) {
    LogEvent("error", "the figures of the job queue can't be read",
             {{"sqlstate", result.error->sqlstate}, {"message", result.error->message}});
    return;
  }
  std::string text;
  for (const Family& family : kFamilies) {
    text += std::string("# HELP ") + family.name + " " + family.help + "\n# TYPE " + family.name +
            " gauge\n";
    for (int row = 0; row < PQntuples(result.rows.get()); ++row) {
      const auto cell = [&](int column) { return PQgetvalue(result.rows.get(), row, column); };
      if (std::strcmp(cell(0), family.name) != 0) continue;
      text += std::string(family.name) + "{" + cell(1) + "} " + cell(2) + "\n";
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  text_ = std::move(text);
  read_ms_ = MonotonicMs();
}

}  // namespace latchkey
