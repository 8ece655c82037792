// Dispatching: find the route, collect its arguments, run its transaction, wrap the result.
#include "gateway/routes/dispatch.hpp"

#include "gateway/routes/openapi.hpp"
#include "gateway/routes/sql_failure.hpp"

namespace latchkey {
namespace {

// What a transaction begins with: its limits, the request it works for, and who calls. FROM comes
// first: authenticate may still note the use of an API key before the transaction turns read-only.
const Statement kReadForAnyone = {kFirstStatementId,
                                  "SELECT set_config('transaction_read_only', 'on', true), "
                                  "set_config('statement_timeout', $1, true)"};
const Statement kReadForBearer = {kFirstStatementId + 1,
                                  "SELECT set_config('transaction_read_only', 'on', true), "
                                  "set_config('statement_timeout', $1, true) "
                                  "FROM latchkey.authenticate($2)"};
const Statement kWriteForAnyone = {kFirstStatementId + 2,
                                   "SELECT set_config('statement_timeout', $1, true), "
                                   "latchkey.bind_request($2, $3::inet, $4)"};
const Statement kWriteForBearer = {kFirstStatementId + 3,
                                   "SELECT set_config('statement_timeout', $1, true), "
                                   "latchkey.bind_request($2, $3::inet, $4) "
                                   "FROM latchkey.authenticate($5)"};
const Statement kWatchJobs = {kFirstStatementId + 4,
                              "SELECT w.place, w.kind, w.position, w.status, w.data"
                              " FROM latchkey.watch_jobs($1, $2, $3, $4) AS w"};
constexpr size_t kQueueMetricsId = kFirstStatementId + 5;
const Statement kAdmitToTenant = {
    kFirstStatementId + 6,
    "SELECT latchkey.current_tenant_id(), latchkey.current_user_id() "
    "FROM latchkey.require_permission($1, latchkey.current_tenant_id())"};
constexpr size_t kFirstRouteStatementId = kFirstStatementId + 7;
// When a client whose stream ended connects again.
constexpr char kReconnectAfter[] = "retry: 2000\n\n";
constexpr size_t kMaxEventIdDigits = 9;

constexpr size_t kMaxUserAgentBytes = 500;
// Many clients send {} with every POST, so that counts as none.
constexpr size_t kMaxEmptyBodyBytes = 16;
constexpr int64_t kTransactionGraceMs = 1000;

// The user agent as text that a database takes: invalid UTF-8 and control characters are replaced.
Parameter UserAgentOf(const RequestHead& head) {
  const std::string_view agent = head.Find("User-Agent");
  if (agent.empty()) return std::nullopt;
  std::string text(agent.substr(0, kMaxUserAgentBytes));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return text;
}

// How large a body the route takes: 0 for none.
size_t MaxBodyOf(const Route& route) {
  for (const Argument& argument : route.arguments) {
    if (argument.source == Source::kBody) return kMaxBodyBytes;
    if (argument.source == Source::kRawBody) return argument.max_length;
  }
  return 0;
}

std::string_view Cell(const PGresult* rows, int row, int column) {
  if (row >= PQntuples(rows) || column >= PQnfields(rows)) return {};
  if (PQgetisnull(rows, row, column)) return {};
  return {PQgetvalue(rows, row, column), static_cast<size_t>(PQgetlength(rows, row, column))};
}

void Wrap(const Route& route, std::string_view json, std::string& body) {
  body.reserve(json.size() + 64);
  switch (route.shape) {
    case Shape::kPlain:
      body = json;
      break;
    case Shape::kMessage:
      body = R"({"success":true,"message":")" + std::string(route.message) + "\"}";
      break;
    case Shape::kMember:
      body = R"({"success":true,")" + std::string(route.members[0].name) + "\":";
      body.append(json).append("}");
      break;
    case Shape::kMerged:
      body = R"({"success":true,)";
      body.append(json.substr(1));  // without its opening brace
      break;
  }
}

}  // namespace

Dispatcher::Dispatcher(const Config& config, Pool& pool, Mailer& mailer, TenantGate& gate,
                       const Metrics& metrics)
    : config_(config),
      pool_(pool),
      mailer_(mailer),
      gate_(gate),
      metrics_(metrics),
      routes_(AllRoutes()),
      router_(routes_),
      statement_timeout_(std::to_string(config.statement_timeout_ms)),
      openapi_(RenderOpenApi(routes_, config.public_url)),
      store_statements_(routes_, "store", &Route::store_sql),
      pos_statements_(routes_, "pos", &Route::pos_sql),
      fast_(static_cast<size_t>(config.pool_size - config.slow_limit), config.acquire_timeout_ms),
      slow_(static_cast<size_t>(config.slow_limit), 2 * config.acquire_timeout_ms),
      tenants_(static_cast<size_t>(config.tenant_waiting), config.acquire_timeout_ms),
      streams_({static_cast<size_t>(config.max_streams), config.stream_interval_ms, config.prepare,
                config.statement_timeout_ms},
               pool, kWatchJobs),
      queue_metrics_(pool, {kQueueMetricsId, kQueueMetricsSql}, config.prepare) {
  for (size_t i = 0; i < routes_.size(); ++i) {
    statements_.push_back({kFirstRouteStatementId + i, routes_[i].sql});
  }
}

Admission Dispatcher::Inspect(const RequestHead& head) {
  const Match match = router_.Find(head.method, head.path);
  Admission admission;
  const size_t max_body = match.route ? MaxBodyOf(*match.route) : 0;
  if (max_body > 0) {
    admission.max_body_bytes = max_body;
  } else {
    admission.max_body_bytes = kMaxEmptyBodyBytes;
    admission.beyond = match.path_exists
                           ? Failure{ErrorId::PayloadTooLarge, "this request takes no body"}
                           : Failure{ErrorId::NotFound, "there is no such path"};
  }
  if (match.route && match.route->tenant_permission) admission.bulkhead = &tenants_;
  if (match.route && match.route->sql) admission.bulkhead = match.route->slow ? &slow_ : &fast_;
  return admission;
}

size_t Dispatcher::RouteIndex(const RequestHead& head) const {
  const Match match = router_.Find(head.method, head.path);
  return match.route ? match.index : routes_.size();
}

bool Dispatcher::Streams(const RequestHead& head) const {
  const Match match = router_.Find(head.method, head.path);
  return match.route && match.route->streams;
}

void Dispatcher::Handle(const Request& request, Response& response) {
  const Match match = router_.Find(request.head.method, request.head.path);
  if (!match.route) return HandleUnmatched(request, match, response);
  const Route& route = *match.route;
  response.status = route.status;
  response.content_type = route.content_type;
  response.cache_control = route.cache_control;
  if (route.built_in != BuiltIn::kNone) return HandleBuiltIn(route, response);
  const auto failure = HandleSql(route, match.index, request, response);
  if (!failure) return;
  Fail(response, *failure, request.request_id);
  if (response.status == 401) {
    const bool refused = request.head.Find("Authorization").data() != nullptr;
    response.headers.emplace_back("WWW-Authenticate",
                                  refused && failure->id == ErrorId::InvalidToken
                                      ? "Bearer error=\"invalid_token\""
                                      : "Bearer");
  }
}

void Dispatcher::HandleUnmatched(const Request& request, const Match& match,
                                 Response& response) const {
  if (!match.path_exists && request.head.path != "*") {
    return Fail(response, Failure{ErrorId::NotFound, "there is no such path"}, request.request_id);
  }
  response.headers.emplace_back("Allow", router_.Allowed(request.head.path));
  if (request.head.method == "OPTIONS") {
    response.status = 204;
    return;
  }
  Fail(response, Failure{ErrorId::MethodNotAllowed}, request.request_id);
}

void Dispatcher::HandleBuiltIn(const Route& route, Response& response) const {
  switch (route.built_in) {
    case BuiltIn::kHealth:
      response.body = R"({"status":"ok"})";
      break;
    case BuiltIn::kMetrics:
      response.body = metrics_.Render();
      break;
    case BuiltIn::kOpenApi:
      response.body = openapi_;
      break;
    case BuiltIn::kNone:
      break;
  }
}

std::vector<BoundStatement> Dispatcher::BindStatements(const Route& route, size_t index,
                                                       const Request& request, const Bearer& bearer,
                                                       std::vector<Parameter> values) const {
  const bool binds = route.who == Who::kBearer;
  std::vector<Parameter> first = {statement_timeout_};
  const Statement* prologue = binds ? &kReadForBearer : &kReadForAnyone;
  if (route.access == Access::kWrite) {
    prologue = binds ? &kWriteForBearer : &kWriteForAnyone;
    first.push_back(request.request_id);
    first.push_back(request.client_address);
    first.push_back(UserAgentOf(request.head));
  }
  if (binds) first.push_back(bearer.token);
  std::vector<BoundStatement> statements;
  statements.reserve(2);
  statements.push_back({prologue, std::move(first)});
  statements.push_back({&statements_[index], std::move(values)});
  return statements;
}

std::vector<BoundStatement> Dispatcher::AdmitToTenant(const char* permission,
                                                      const Bearer& bearer) const {
  return {{&kReadForBearer, {statement_timeout_, bearer.token}}, {&kAdmitToTenant, {permission}}};
}

int64_t Dispatcher::TransactionTimeoutMs() const {
  return config_.statement_timeout_ms + kTransactionGraceMs;
}

std::optional<Failure> Dispatcher::HandleSql(const Route& route, size_t index,
                                             const Request& request, Response& response) {
  Bearer bearer;
  if (route.who != Who::kPublic) bearer = ReadBearer(request.head);
  const bool no_token = bearer.failure && route.ignores_bad_token;
  if (bearer.failure && !no_token) return bearer.failure;
  if (route.mails && !mailer_.configured()) {
    return Failure{ErrorId::NotConfigured, "no mail program is configured",
                   "Set --mail-command and --public-url."};
  }
  if (route.mails && !mailer_.HasRoom()) {
    return Failure{ErrorId::TooBusy, "too many mails are waiting", "", 30};
  }
  std::vector<Parameter> values;
  if (auto failure = CollectArguments(route, config_, request, bearer, values)) return failure;
  if (route.mails_too && !(mailer_.configured() && mailer_.HasRoom())) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (route.arguments[i].source == Source::kVerifyLink) values[i] = std::nullopt;
    }
  }
  if (no_token) {
    Wrap(route, {}, response.body);
    return std::nullopt;
  }
  if (route.tenant_permission) {
    return HandleTenant(route, index, request, bearer, std::move(values), response);
  }
  const TransactionOptions options{route.access, config_.prepare, TransactionTimeoutMs()};
  const TransactionResult result =
      RunPooled(pool_, BindStatements(route, index, request, bearer, std::move(values)), options);
  if (!result.error) {
    if (route.enters_tenant) {
      if (auto failure = EnterTenant(result.rows.get(), request)) return failure;
    }
    return route.streams ? OpenStream(result.rows.get(), request, bearer, response)
                         : Respond(route, result.rows.get(), response);
  }
  const Failure failure = FailureOf(*result.error, request.request_id);
  if (failure.id == ErrorId::InvalidToken && route.ignores_bad_token) {
    Wrap(route, {}, response.body);
    return std::nullopt;
  }
  return failure;
}

std::optional<Failure> Dispatcher::OpenStream(const PGresult* rows, const Request& request,
                                              const Bearer& bearer, Response& response) {
  JobStreams::Watched watched{*bearer.token, std::string(Cell(rows, 0, 0)),
                              std::string(Cell(rows, 0, 1)), 0};
  // What a client that connects again has seen counts more than where it began.
  const std::string_view last = request.head.Find("Last-Event-ID");
  const bool is_number = !last.empty() && last.size() <= kMaxEventIdDigits &&
                         last.find_first_not_of("0123456789") == last.npos;
  watched.after = std::atol(std::string(is_number ? last : Cell(rows, 0, 2)).c_str());
  if (auto failure = streams_.Open(std::move(watched), response.stream)) return failure;
  response.body = kReconnectAfter;
  response.headers.emplace_back("X-Accel-Buffering", "no");
  return std::nullopt;
}

std::optional<Failure> Dispatcher::Respond(const Route& route, const PGresult* rows,
                                           Response& response) {
  if (!rows) return Failure{ErrorId::InternalError};
  if (route.mails && !route.mails_too) {
    for (int row = 0; row < PQntuples(rows); ++row) mailer_.Send(std::string(Cell(rows, row, 0)));
    Wrap(route, {}, response.body);
    return std::nullopt;
  }
  if (route.mails_too) {
    const std::string_view mail = Cell(rows, 0, 3);
    if (!mail.empty()) mailer_.Send(std::string(mail));
  }
  const std::string_view outcome = Cell(rows, 0, 1);
  if (!outcome.empty() && outcome != "ok") {
    const std::string seconds(Cell(rows, 0, 2));
    return FailureOfOutcome(std::string(outcome), std::atol(seconds.c_str()));
  }
  const std::string_view json = Cell(rows, 0, 0);
  if (json.empty() && route.shape != Shape::kMessage) return Failure{ErrorId::NotFound};
  Wrap(route, json, response.body);
  return std::nullopt;
}

}  // namespace latchkey
