// The command `work`: runs jobs until SIGTERM.
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/http/log.hpp"
#include "gateway/version.hpp"

namespace latchkey {

int Work(const Config& config) {
  if (!CheckWorkerConfig(config)) return 2;
  const int signal_fd = CatchSignals();
  Worker worker(WorkerOptionsOf(config));
  Log::Shared().Start();
  LogEvent("info", "working",
           {{"threads", std::to_string(config.worker_threads)}, {"version", kVersion}});
  worker.Start();
  pollfd signalled = {signal_fd, POLLIN, 0};
  while (poll(&signalled, 1, -1) < 0 && errno == EINTR) {
  }
  const bool ended = worker.Stop(config.drain_timeout_ms);
  LogEvent("info", ended ? "stopped" : "stopped with threads still running");
  Log::Shared().Stop();
  // A thread that hangs in the database uses the objects of this function.
  if (!ended) _exit(0);
  return 0;
}

}  // namespace latchkey
