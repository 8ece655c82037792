// The worker: a thread that claims jobs, threads that run them, and one that completes them.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/http/address_ranges.hpp"
#include "gateway/work/board.hpp"
#include "gateway/work/claimer.hpp"
#include "gateway/work/completer.hpp"
#include "gateway/work/dns.hpp"
#include "gateway/work/handlers.hpp"
#include "gateway/work/session.hpp"

namespace latchkey {

// Runs what JobHandlers() names. Needs nothing else than the database: any number of workers on any
// number of machines share the work.
class Worker {
 public:
  struct Options {
    Claimer::Options claimer;
    long threads = 4;
    // Addresses that webhooks may be sent to beside public ones.
    AddressRanges webhook_networks;
    std::optional<DnsServer> dns_server;  // none: the system's
    std::string templates;                // the folder
    int tenant_connect_timeout_s = 3;
    std::string dump_folder;    // for dumps of tenants that are moved
    std::string export_folder;  // for those that stay; empty: none are made
    std::string pg_bin;         // where pg_dump and pg_restore are; empty: in PATH
  };
  explicit Worker(const Options& options);

  void Start();
  // Lets what runs come to the end of its step, for at most `grace_ms`, then cancels it, and gives
  // back what is not done. False: a thread hangs in a call that doesn't end; it uses this object
  // still.
  bool Stop(int64_t grace_ms);

  size_t running() const { return board_.Running(); }
  uint64_t completed() const {
    return completed_.load(std::memory_order_relaxed) + completer_.completed();
  }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  friend const std::vector<JobHandler>& JobHandlers();

  void RunJobs();
  // Does the job, and tells the database how it went, or has the completer do so.
  void Handle(WorkSession& session, const HeldJobPtr& job);
  // How many rows it has done; null when there is nothing to complete.
  std::optional<int64_t> RunStatements(WorkSession& session, HeldJob& job, const char* step);
  // What JobHandlers() names beside statements, each in a file of its own; they answer as
  // RunStatements().
  std::optional<int64_t> DeliverWebhook(WorkSession& session, HeldJob& job);
  std::optional<int64_t> VerifyHostname(WorkSession& session, HeldJob& job);
  std::optional<int64_t> SyncTenantUsers(WorkSession& session, HeldJob& job);
  std::optional<int64_t> CompareTenantUsers(WorkSession& session, HeldJob& job);
  std::optional<int64_t> ProvisionTenant(WorkSession& session, HeldJob& job);
  std::optional<int64_t> MoveTenant(WorkSession& session, HeldJob& job);
  std::optional<int64_t> ExportTenant(WorkSession& session, HeldJob& job);
  std::optional<int64_t> DropDatabases(WorkSession& session, HeldJob& job);
  std::optional<int64_t> CheckDatabases(WorkSession& session, HeldJob& job);
  // Gives the job back when it was we who ended the statement.
  std::nullopt_t FailOrRelease(WorkSession& session, HeldJob& job, const SqlError& error);
  // Between two steps: whether the job is to be left as it is. Then it is given back, if it is
  // still ours.
  bool Leave(WorkSession& session, HeldJob& job);
  // Tells the database; again when the connection is lost meanwhile. True when it has accepted.
  bool Tell(WorkSession& session, HeldJob& job, const char* sql, std::vector<Parameter> values);
  void Fail(WorkSession& session, HeldJob& job, const SqlError& error, bool retryable = true);
  // Fails, and answers as one that has nothing to complete.
  std::nullopt_t GiveUp(WorkSession& session, HeldJob& job, const SqlError& error,
                        bool retryable = true) {
    Fail(session, job, error, retryable);
    return std::nullopt;
  }
  void Release(WorkSession& session, HeldJob& job);

  const Options options_;
  JobBoard board_;
  Claimer claimer_;
  Completer completer_;
  std::atomic<bool> give_up_{false};
  std::atomic<size_t> threads_alive_{0};
  std::atomic<uint64_t> completed_{0};  // that the completer has not told of
  std::atomic<uint64_t> failed_{0};
  std::vector<std::thread> threads_;
};

}  // namespace latchkey
