// From a request to its response, by the route table.
#pragma once

#include <string>
#include <vector>

#include "gateway/config.hpp"
#include "gateway/db/pool.hpp"
#include "gateway/http/bulkhead.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/metrics.hpp"
#include "gateway/mail/mailer.hpp"
#include "gateway/routes/arguments.hpp"
#include "gateway/routes/job_streams.hpp"
#include "gateway/routes/queue_metrics.hpp"
#include "gateway/routes/router.hpp"
#include "gateway/tenants/tenant_gate.hpp"

namespace latchkey {

// The statements of the routes that run on tenants' databases, for one template.
class TenantStatements {
 public:
  TenantStatements(const std::vector<Route>& routes, const char* schema, const char* Route::*sql);
  const Statement* Of(size_t route) const;  // null: the template has no such route

 private:
  std::vector<std::string> texts_;
  std::vector<Statement> statements_;
};

constexpr size_t kMaxBodyBytes = 64 * 1024;

class Dispatcher : public Application {
 public:
  Dispatcher(const Config& config, Pool& pool, Mailer& mailer, TenantGate& gate,
             const Metrics& metrics);

  Admission Inspect(const RequestHead& head) override;
  void Handle(const Request& request, Response& response) override;
  size_t RouteIndex(const RequestHead& head) const override;
  bool Streams(const RequestHead& head) const override;
  const char* RouteTemplate(size_t index) const override { return routes_[index].path; }

  // Requests that use the database, and of those the ones that hash a password. Their limits add up
  // to the size of the pool, so neither kind can take the other's connections.
  Bulkhead& fast() { return fast_; }
  Bulkhead& slow() { return slow_; }
  // Requests that run on tenants' databases: a server that does not answer holds up no others.
  Bulkhead& tenants() { return tenants_; }
  JobStreams& streams() { return streams_; }
  QueueMetrics& queue_metrics() { return queue_metrics_; }

 private:
  void HandleUnmatched(const Request& request, const Match& match, Response& response) const;
  void HandleBuiltIn(const Route& route, Response& response) const;
  std::optional<Failure> HandleSql(const Route& route, size_t index, const Request& request,
                                   Response& response);
  std::optional<Failure> OpenStream(const PGresult* rows, const Request& request,
                                    const Bearer& bearer, Response& response);
  std::optional<Failure> HandleTenant(const Route& route, size_t index, const Request& request,
                                      const Bearer& bearer, std::vector<Parameter> values,
                                      Response& response);
  // Of a login: whether the tenant's database lets the user in.
  std::optional<Failure> EnterTenant(const PGresult* login, const Request& request);
  std::vector<BoundStatement> AdmitToTenant(const char* permission, const Bearer& bearer) const;
  int64_t TransactionTimeoutMs() const;
  std::optional<Failure> Respond(const Route& route, const PGresult* rows, Response& response);
  std::vector<BoundStatement> BindStatements(const Route& route, size_t index,
                                             const Request& request, const Bearer& bearer,
                                             std::vector<Parameter> values) const;

  const Config& config_;
  Pool& pool_;
  Mailer& mailer_;
  TenantGate& gate_;
  const Metrics& metrics_;
  const std::vector<Route>& routes_;
  const Router router_;
  const std::string statement_timeout_;
  const std::string openapi_;
  std::vector<Statement> statements_;  // by route
  const TenantStatements store_statements_;
  const TenantStatements pos_statements_;
  Bulkhead fast_;
  Bulkhead slow_;
  Bulkhead tenants_;
  JobStreams streams_;
  QueueMetrics queue_metrics_;
};

}  // namespace latchkey
