// One connection to a tenant's database, and why there is none.
#include "gateway/tenants/tenant_connector.hpp"

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

bool ServerAnswers(const std::string& url, int connect_timeout_s) {
  const std::string timeout = std::to_string(connect_timeout_s);
  const char* keywords[] = {"dbname", "connect_timeout", nullptr};
  const char* values[] = {url.c_str(), timeout.c_str(), nullptr};
  const PGPing answer = PQpingParams(keywords, values, 1);
  // PQPING_NO_ATTEMPT: the connection string is wrong, and no server to blame.
  return answer == PQPING_OK || answer == PQPING_NO_ATTEMPT;
}

void LogFailure(const TenantTarget& target, const char* answers, const std::string& reason) {
  LogEvent("error", "no connection to a tenant's database",
           {{"tenant", target.tenant},
            {"server", target.address.Server()},
            {"server_answers", answers},
            {"reason", reason}});
}

TenantConnectResult Connect(const TenantTarget& target, int connect_timeout_s) {
  // Here, not where the address is read: the pools bound how many wait for the resolver.
  const int64_t started_ms = MonotonicMs();
  const ConnectionString source = MakeConnectionString(target.address);
  // libpq would quote from what it can't read, and so perhaps the password.
  const std::string wrong = source.error.empty() ? CheckDatabaseUrl(source.text) : source.error;
  if (!wrong.empty()) {
    LogFailure(target, "not asked", wrong);
    return {nullptr, true};
  }
  ConnectOptions options;
  options.url = source.text;
  options.connect_timeout_s = connect_timeout_s;
  auto made = std::make_unique<TenantConnection>(options);
  if (made->connection().ok()) return {std::move(made), true};
  // What took the whole time is not worth as much again.
  const bool timed_out = MonotonicMs() - started_ms >= connect_timeout_s * 1000;
  const bool answered = !timed_out && ServerAnswers(options.url, connect_timeout_s);
  LogFailure(target, answered ? "yes" : "no", made->connection().ErrorText());
  return {nullptr, answered};
}

}  // namespace

bool TenantConnection::IsUsable() const {
  return connection_.ok() && PQtransactionStatus(connection_.handle()) == PQTRANS_IDLE;
}

TenantConnector ConnectTenants(int connect_timeout_s) {
  return [connect_timeout_s](const TenantTarget& target) {
    return Connect(target, connect_timeout_s);
  };
}

}  // namespace latchkey
