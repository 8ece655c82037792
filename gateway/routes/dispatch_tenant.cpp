// Requests that run on the database of a tenant: the main database lets them in, and says whose it
// is.
#include "gateway/routes/dispatch.hpp"
#include "gateway/routes/sql_failure.hpp"

namespace latchkey {
namespace {

const Statement kTimeout = {kFirstStatementId, "SELECT set_config('statement_timeout', $1, true)"};
const Statement kReadOnly = {kFirstStatementId + 1,
                             "SELECT set_config('transaction_read_only', 'on', true), "
                             "set_config('statement_timeout', $1, true)"};
constexpr size_t kFirstTenantStatementId = kFirstStatementId + 2;

// Who is asked for by name, with the least right on a row: a login notes itself.
std::string EnterSql(const std::string& schema) {
  return "UPDATE \"" + schema +
         "\".users SET last_login_at = now() WHERE id = $1 AND status = 'active' RETURNING id";
}
const Statement kLogout = {0, "SELECT latchkey.logout($1)"};

std::string InSchema(const char* sql, const char* schema) {
  std::string text;
  for (const char* c = sql; *c; ++c) {
    if (*c == '@') {
      text += schema;
    } else {
      text += *c;
    }
  }
  return text;
}

Parameter Cell(const PGresult* rows, int column) {
  if (!rows || PQntuples(rows) == 0 || column >= PQnfields(rows)) return std::nullopt;
  if (PQgetisnull(rows, 0, column)) return std::nullopt;
  return std::string(PQgetvalue(rows, 0, column));
}

}  // namespace

TenantStatements::TenantStatements(const std::vector<Route>& routes, const char* schema,
                                   const char* Route::*sql) {
  texts_.reserve(routes.size());
  for (size_t i = 0; i < routes.size(); ++i) {
    texts_.push_back(routes[i].*sql ? InSchema(routes[i].*sql, schema) : "");
    statements_.push_back({kFirstTenantStatementId + i, texts_.back().c_str()});
  }
}

const Statement* TenantStatements::Of(size_t route) const {
  return texts_[route].empty() ? nullptr : &statements_[route];
}

std::optional<Failure> Dispatcher::HandleTenant(const Route& route, size_t index,
                                                const Request& request, const Bearer& bearer,
                                                std::vector<Parameter> values, Response& response) {
  const TransactionOptions main{Access::kRead, config_.prepare, TransactionTimeoutMs()};
  const TransactionResult admitted =
      RunPooled(pool_, AdmitToTenant(route.tenant_permission, bearer), main);
  if (admitted.error) return FailureOf(*admitted.error, request.request_id);
  const Parameter tenant = Cell(admitted.rows.get(), 0);
  if (!tenant) {
    return Failure{ErrorId::Forbidden, "the token is for no tenant",
                   "Log in to a tenant, or switch to one."};
  }
  if (!gate_.configured()) {
    return Failure{ErrorId::NotConfigured, "this gateway does not serve tenants' databases",
                   "Set --worker-database-url."};
  }
  TenantDatabase database;
  if (auto failure = gate_.Find(*tenant, request.request_id, database)) return failure;
  if (!database.ready)
    return Failure{ErrorId::Conflict, "the tenant has no database that is ready"};
  const Statement* statement = nullptr;
  if (database.template_name == "store") statement = store_statements_.Of(index);
  if (database.template_name == "pos") statement = pos_statements_.Of(index);
  if (!statement) return Failure{ErrorId::NotFound, "the tenant's template does not have this"};
  for (size_t i = 0; i < values.size(); ++i) {
    if (route.arguments[i].source == Source::kCaller) values[i] = Cell(admitted.rows.get(), 1);
  }
  const bool writes = route.access == Access::kWrite;
  PgResult rows;
  const TransactionOptions there{route.access, config_.prepare, TransactionTimeoutMs()};
  if (auto failure = gate_.Run(
          database,
          {{writes ? &kTimeout : &kReadOnly, {statement_timeout_}}, {statement, std::move(values)}},
          there, request.request_id, rows)) {
    return failure;
  }
  return Respond(route, rows.get(), response);
}

// The session is there already; who can't use it does not get it.
std::optional<Failure> Dispatcher::EnterTenant(const PGresult* login, const Request& request) {
  const Parameter tenant = Cell(login, 4), user = Cell(login, 5), token = Cell(login, 6);
  if (!tenant || !token || !gate_.configured()) return std::nullopt;
  TenantDatabase database;
  auto failure = gate_.Find(*tenant, request.request_id, database);
  if (!failure && (!database.ready || database.template_name.empty())) return std::nullopt;
  if (!failure) {
    const std::string sql = EnterSql(database.template_name);
    const Statement enter = {0, sql.c_str()};
    PgResult rows;
    failure = gate_.Run(database, {{&kTimeout, {statement_timeout_}}, {&enter, {user}}},
                        {Access::kWrite, false, TransactionTimeoutMs()}, request.request_id, rows);
    if (!failure && PQntuples(rows.get()) == 1) return std::nullopt;
    if (!failure) {
      failure = Failure{ErrorId::TenantUnavailable,
                        "the tenant's database does not know the user yet", "", 1};
    }
  }
  const TransactionOptions options{Access::kWrite, false, TransactionTimeoutMs()};
  RunPooled(pool_, {{&kLogout, {token}}}, options);
  return failure;
}

}  // namespace latchkey
