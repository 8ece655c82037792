// The thread that claims jobs, extends their leases, and runs the schedules.
#pragma once

#include <optional>
#include <string>

#include "gateway/work/board.hpp"
#include "gateway/work/handlers.hpp"
#include "gateway/work/session.hpp"

namespace latchkey {

class Claimer {
 public:
  struct Options {
    std::string database_url;
    int64_t lease_s = 60;
    int64_t poll_ms = 5000;
  };
  Claimer(Options options, JobBoard& board);

  // Works until the board is closed and empty, or `give_up` is true.
  void Run(const std::atomic<bool>& give_up);

 private:
  // These answer false when the connection is lost.
  bool RunSchedules();
  bool ExtendLeases();

  void Claim();
  // How many it has claimed of at most `most`; none in case of an error.
  std::optional<size_t> ClaimOf(JobKind kind, size_t most);
  void Await();
  bool RunEverySecond(const char* sql, const char* what);
  void Sleep(int64_t until_ms);
  void GiveBack(const HeldJob& job);
  void Reconnect(const std::atomic<bool>& give_up);
  int64_t NextWork() const;
  // Logs an error of the database. False: the connection is lost.
  bool Check(const TransactionResult& result, const char* what);

  const Options options_;
  const std::string name_;  // this worker's, for people
  // text[] literals
  const std::string types_;
  const std::string statement_types_;
  const std::string outside_types_;
  JobBoard& board_;
  WorkSession session_;
  bool claim_wanted_ = true;
  bool listening_ = false;
  bool awaiting_ = false;  // enqueuers know that this connection waits
  int64_t next_poll_ms_ = 0;
  int64_t next_schedules_ms_ = 0;
  int64_t next_extension_ms_ = 0;
  int64_t backoff_ms_ = 0;
};

}  // namespace latchkey
