// Figures of the job queue for Prometheus, read from the database while somebody wants them.
#pragma once

#include <condition_variable>
#include <string>
#include <thread>

#include "gateway/db/pipeline.hpp"

namespace latchkey {

// Scrapes don't reach the database, however many there are: a thread reads every 15 seconds, as
// long as there was a scrape within the last minutes.
class QueueMetrics {
 public:
  QueueMetrics(Pool& pool, Statement statement, bool prepare)
      : pool_(pool), statement_(statement), prepare_(prepare) {}

  void Start();
  void Stop();

  // As last read; empty before the first reading, and when that was too long ago.
  std::string Render();

 private:
  void Run();
  void Read();

  Pool& pool_;
  const Statement statement_;
  const bool prepare_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int64_t read_ms_ = 0;
  int64_t wanted_ms_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// What QueueMetrics reads: name, labels, value, in the order of names.
extern const char* const kQueueMetricsSql;

}  // namespace latchkey
