// Signals, and the arguments that several commands need.
#include "gateway/commands/process.hpp"

#include <signal.h>
#include <sys/signalfd.h>

#include <cstdio>

#include "gateway/db/connection.hpp"

namespace latchkey {

int CatchSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool HaveDatabaseUrl(const std::string& url, const char* flag, const char* variable) {
  if (url.empty()) {
    std::fprintf(stderr, "latchkey-gateway: --%s or %s is needed\n", flag, variable);
    return false;
  }
  const std::string malformed = CheckDatabaseUrl(url);
  if (malformed.empty()) return true;
  std::fprintf(stderr, "latchkey-gateway: %s\n", malformed.c_str());
  return false;
}

bool CheckWorkerConfig(const Config& config) {
  if (!HaveDatabaseUrl(config.worker_database_url, "worker-database-url",
                       "LATCHKEY_WORKER_DATABASE_URL")) {
    return false;
  }
  const std::string malformed = AddressRanges().Parse(config.webhook_networks);
  if (malformed.empty()) return true;
  std::fprintf(stderr, "latchkey-gateway: --webhook-networks: %s\n", malformed.c_str());
  return false;
}

Worker::Options WorkerOptionsOf(const Config& config) {
  Worker::Options options;
  options.claimer = {config.worker_database_url, config.worker_lease_s, config.worker_poll_ms};
  options.threads = config.worker_threads;
  options.webhook_networks.Parse(config.webhook_networks);
  options.dns_server = ParseDnsServer(config.dns_server);
  options.templates = config.templates;
  options.tenant_connect_timeout_s = static_cast<int>(config.tenant_connect_timeout_s);
  options.dump_folder = config.dump_folder;
  options.export_folder = config.export_folder;
  options.pg_bin = config.pg_bin;
  return options;
}

}  // namespace latchkey
