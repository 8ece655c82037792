// The command `serve`: puts the parts together, runs until SIGTERM, and takes them apart again.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/process.hpp"
#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/http/metrics.hpp"
#include "gateway/http/server.hpp"
#include "gateway/routes/dispatch.hpp"
#include "gateway/tenants/tenant_connector.hpp"
#include "gateway/version.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

// Threads beyond one for each database connection: they answer what needs no database.
constexpr long kSpareWorkers = 8;
constexpr int64_t kMailGraceMs = 3000;
constexpr int64_t kWorkGraceMs = 2000;

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

LoopOptions LoopOptionsOf(const Config& config) {
  LoopOptions options;
  options.host = config.host;
  options.port = static_cast<int>(config.port);
  options.workers = static_cast<size_t>(config.pool_size + config.tenant_waiting + kSpareWorkers);
  options.max_connections = static_cast<size_t>(config.max_connections);
  options.max_buffered_bytes = static_cast<size_t>(config.max_buffered_kib) * 1024;
  options.request_timeout_ms = config.request_timeout_ms;
  options.idle_timeout_ms = config.idle_timeout_ms;
  options.drain_timeout_ms = config.drain_timeout_ms;
  return options;
}

std::vector<Metrics::Label> RouteLabels() {
  std::vector<Metrics::Label> labels;
  for (const Route& route : AllRoutes()) labels.push_back({route.method, route.path});
  return labels;
}

void AddPoolGauges(Metrics& metrics, const Pool& pool) {
  metrics.AddGauge("latchkey_db_connections_in_use", "gauge", "Database connections in use.",
                   [&pool] { return static_cast<double>(pool.in_use()); });
  metrics.AddGauge("latchkey_db_connections_idle", "gauge", "Database connections waiting for use.",
                   [&pool] { return static_cast<double>(pool.idle()); });
  metrics.AddGauge("latchkey_db_connections_opened_total", "counter", "Connections opened.",
                   [&pool] { return static_cast<double>(pool.opened()); });
  metrics.AddGauge("latchkey_db_connections_discarded_total", "counter",
                   "Connections thrown away: broken, or too old.",
                   [&pool] { return static_cast<double>(pool.discarded()); });
  metrics.AddGauge("latchkey_db_connect_failures_total", "counter", "Failed attempts to connect.",
                   [&pool] { return static_cast<double>(pool.connect_failures()); });
}

void AddBulkheadGauges(Metrics& metrics, const std::string& kind, const Bulkhead& bulkhead) {
  const std::string name = "latchkey_" + kind + "_requests_";
  metrics.AddGauge(name + "running", "gauge", "Requests of this kind that run.",
                   [&bulkhead] { return static_cast<double>(bulkhead.Read().running); });
  metrics.AddGauge(name + "waiting", "gauge", "Requests that wait for a database connection.",
                   [&bulkhead] { return static_cast<double>(bulkhead.Read().parked); });
  metrics.AddGauge(name + "waited_total", "counter", "Requests that had to wait.",
                   [&bulkhead] { return static_cast<double>(bulkhead.Read().parked_total); });
}

void AddOwnGauges(Metrics& metrics, const ConnectionLoop& loop, const Mailer& mailer) {
  metrics.AddGauge("latchkey_http_connections", "gauge", "Open client connections.",
                   [&loop] { return static_cast<double>(loop.connections()); });
  metrics.AddGauge("latchkey_http_connections_accepted_total", "counter", "Connections accepted.",
                   [&loop] { return static_cast<double>(loop.accepted()); });
  metrics.AddGauge("latchkey_http_buffered_bytes", "gauge", "Memory of requests not yet served.",
                   [&loop] { return static_cast<double>(loop.buffered_bytes()); });
  metrics.AddGauge("latchkey_http_request_timeouts_total", "counter",
                   "Requests that did not arrive in time.",
                   [&loop] { return static_cast<double>(loop.timed_out()); });
  metrics.AddGauge("latchkey_mails_sent_total", "counter", "Mails that the mail program took.",
                   [&mailer] { return static_cast<double>(mailer.sent()); });
  metrics.AddGauge("latchkey_mails_failed_total", "counter", "Mails that the mail program refused.",
                   [&mailer] { return static_cast<double>(mailer.failed()); });
  metrics.AddGauge("latchkey_mails_waiting", "gauge", "Mails in the queue.",
                   [&mailer] { return static_cast<double>(mailer.waiting()); });
  metrics.AddGauge("latchkey_log_lines_dropped_total", "counter",
                   "Log lines dropped because nobody read them.",
                   [] { return static_cast<double>(Log::Shared().dropped()); });
  metrics.AddGauge("process_resident_memory_bytes", "gauge", "Resident memory.", ResidentBytes);
}

TenantPoolOptions TenantPoolOptionsOf(const Config& config) {
  TenantPoolOptions options;
  options.total = static_cast<size_t>(config.tenant_connections);
  options.per_tenant = static_cast<size_t>(config.tenant_connections_each);
  options.waiting = static_cast<size_t>(config.tenant_waiting);
  options.idle_ms = config.tenant_idle_s * 1000;
  options.lifetime_ms = config.connection_lifetime_s * 1000;
  options.now_ms = MonotonicMs;
  return options;
}

void AddTenantGauges(Metrics& metrics, const TenantPools& pools) {
  metrics.AddGauge("latchkey_tenant_connections_open", "gauge",
                   "Connections to tenants' databases.",
                   [&pools] { return static_cast<double>(pools.Read().open); });
  metrics.AddGauge("latchkey_tenant_connections_in_use", "gauge", "Those of them in use.",
                   [&pools] { return static_cast<double>(pools.Read().in_use); });
  metrics.AddGauge("latchkey_tenant_requests_waiting", "gauge", "Requests that wait for one.",
                   [&pools] { return static_cast<double>(pools.Read().waiting); });
  metrics.AddGauge("latchkey_tenant_connections_opened_total", "counter", "Connections opened.",
                   [&pools] { return static_cast<double>(pools.Read().opened); });
  metrics.AddGauge("latchkey_tenant_connect_failures_total", "counter",
                   "Failed attempts to connect.",
                   [&pools] { return static_cast<double>(pools.Read().failed); });
  metrics.AddGauge("latchkey_tenant_requests_refused_total", "counter",
                   "Requests that got no connection: answered 503.",
                   [&pools] { return static_cast<double>(pools.Read().refused); });
}

void AddStreamGauges(Metrics& metrics, const JobStreams& streams) {
  metrics.AddGauge("latchkey_job_streams", "gauge", "Streams of jobs' progress that are open.",
                   [&streams] { return static_cast<double>(streams.open()); });
  metrics.AddGauge("latchkey_job_streams_opened_total", "counter", "Streams opened.",
                   [&streams] { return static_cast<double>(streams.opened()); });
}

void AddWorkerGauges(Metrics& metrics, const Worker& worker) {
  metrics.AddGauge("latchkey_worker_jobs_running", "gauge", "Jobs that this worker runs.",
                   [&worker] { return static_cast<double>(worker.running()); });
  metrics.AddGauge("latchkey_worker_jobs_completed_total", "counter",
                   "Jobs that this worker has completed.",
                   [&worker] { return static_cast<double>(worker.completed()); });
  metrics.AddGauge("latchkey_worker_jobs_failed_total", "counter",
                   "Attempts at jobs that failed in this worker.",
                   [&worker] { return static_cast<double>(worker.failed()); });
}

}  // namespace

int Serve(const Config& config) {
  if (!HaveDatabaseUrl(config.database_url, "database-url", "LATCHKEY_DATABASE_URL")) return 2;
  if (config.with_worker && !CheckWorkerConfig(config)) return 2;
  RaiseDescriptorLimit();
  const int signal_fd = CatchSignals();
  Pool pool({{config.database_url}, config.connection_lifetime_s * 1000});
  Mailer mailer({config.mail_command, config.mail_timeout_ms});
  TenantPools tenants(TenantPoolOptionsOf(config),
                      ConnectTenants(static_cast<int>(config.tenant_connect_timeout_s)));
  std::unique_ptr<Worker> worker;
  if (config.with_worker) worker = std::make_unique<Worker>(WorkerOptionsOf(config));
  Metrics metrics(RouteLabels());
  TenantGate gate(config, tenants);
  Dispatcher dispatcher(config, pool, mailer, gate, metrics);
  Server server(config, dispatcher, metrics);
  ConnectionLoop loop(LoopOptionsOf(config), server);
  loop.Watch(&dispatcher.fast());
  loop.Watch(&dispatcher.slow());
  loop.Watch(&dispatcher.tenants());
  AddPoolGauges(metrics, pool);
  AddTenantGauges(metrics, tenants);
  AddBulkheadGauges(metrics, "fast", dispatcher.fast());
  AddBulkheadGauges(metrics, "slow", dispatcher.slow());
  AddBulkheadGauges(metrics, "tenant", dispatcher.tenants());
  AddOwnGauges(metrics, loop, mailer);
  AddStreamGauges(metrics, dispatcher.streams());
  metrics.AddText([&dispatcher] { return dispatcher.queue_metrics().Render(); });
  if (worker) AddWorkerGauges(metrics, *worker);
  std::string error = server.Prepare();
  if (error.empty()) error = loop.Listen();
  if (!error.empty()) {
    std::fprintf(stderr, "latchkey-gateway: %s\n", error.c_str());
    return 1;
  }
  Log::Shared().Start();
  mailer.Start();
  dispatcher.queue_metrics().Start();
  dispatcher.streams().Start([&loop](const StreamPtr& stream) { loop.Pump(stream); });
  if (worker) worker->Start();
  LogEvent("info", "listening",
           {{"host", config.host}, {"port", std::to_string(loop.port())}, {"version", kVersion}});
  bool drained = loop.Run(signal_fd, [&pool, &tenants, &gate] {
    pool.Prune();
    tenants.Prune();
    gate.Prune();
  });
  dispatcher.streams().Stop();
  dispatcher.queue_metrics().Stop();
  if (worker && !worker->Stop(kWorkGraceMs)) drained = false;
  mailer.Stop(kMailGraceMs);
  LogEvent("info", drained ? "stopped" : "stopped with threads still running");
  Log::Shared().Stop();
  // Threads that are still inside a request or a job use the objects of this function.
  if (!drained) _exit(0);
  return 0;
}

}  // namespace latchkey
