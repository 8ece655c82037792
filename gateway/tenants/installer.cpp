// Files, transactions and the record of what was applied.
#include "gateway/tenants/installer.hpp"

#include <map>

#include "gateway/tenants/sql_statements.hpp"

namespace latchkey {
namespace {

// The lock is the transaction's, so a crash or a pooler can't leave it behind. Its number is ours
// within the tenant's database.
constexpr char kBegin[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; RESET ALL; RESET ROLE; "
    "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL standard_conforming_strings = on; "
    "SET LOCAL check_function_bodies = on; SET LOCAL client_min_messages = warning; "
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; "
    "SELECT pg_catalog.pg_advisory_xact_lock(7814403325096)";

constexpr char kPrepare[] =
    "CREATE SCHEMA IF NOT EXISTS latchkey_templates; "
    "CREATE TABLE IF NOT EXISTS latchkey_templates.applied ("
    "  template   text        NOT NULL,"
    "  file       text        NOT NULL,"
    "  checksum   text        NOT NULL,"
    "  applied_at timestamptz NOT NULL,"
    "  CONSTRAINT applied_pkey PRIMARY KEY (template, file)); "
    "COMMENT ON SCHEMA latchkey_templates IS 'Which templates Latchkey has applied here.'; "
    "COMMENT ON TABLE latchkey_templates.applied IS 'Each file of a template that was applied, "
    "once: its SHA-256 in hexadecimal, and when. Written by latchkey-gateway.'";

constexpr char kApplied[] =
    "SELECT file, checksum FROM latchkey_templates.applied WHERE template = $1";

constexpr char kRecord[] =
    "INSERT INTO latchkey_templates.applied (template, file, checksum, applied_at) "
    "VALUES ($1, $2, $3, pg_catalog.clock_timestamp())";

class Installer {
 public:
  Installer(PgConnection& connection, const Template& source)
      : connection_(connection), handle_(connection.handle()), source_(source) {}

  InstallResult Run() {
    // We wait for each answer; so does libpq, then.
    PQsetnonblocking(handle_, 0);
    if (CheckAll()) {
      result_.present = applied_.size();
      for (const TemplateFile& file : source_.files) {
        if (!Apply(file)) break;
      }
    }
    if (result_.failure && PQtransactionStatus(handle_) != PQTRANS_IDLE) {
      connection_.Execute("ROLLBACK");
    }
    PQsetnonblocking(handle_, 1);
    return std::move(result_);
  }

 private:
  // What is recorded fits to what the template has; else nothing is begun.
  bool CheckAll() {
    return Execute(kBegin) && Prepare() && ReadApplied() && Compare() && Execute("COMMIT");
  }

  // The record is made once: later calls write nothing but what is new.
  bool Prepare() {
    const PgResult found = Query("SELECT pg_catalog.to_regclass('latchkey_templates.applied')", {});
    return found && (!PQgetisnull(found.get(), 0, 0) || Execute(kPrepare));
  }

  bool Compare() {
    std::map<std::string, std::string> recorded = applied_;
    for (const TemplateFile& file : source_.files) {
      const auto found = recorded.find(file.name);
      if (found == recorded.end()) continue;
      if (found->second != file.checksum) {
        return Fail(file.name, 0, "", "has changed since it was applied to this database");
      }
      recorded.erase(found);
    }
    if (recorded.empty()) return true;
    return Fail(recorded.begin()->first, 0, "",
                "was applied to this database, but the template has no such file");
  }

  bool Apply(const TemplateFile& file) {
    if (applied_.count(file.name)) return true;
    if (!Execute(kBegin) || !ReadApplied()) return false;
    // Another installer may have been faster, with another version of the file.
    if (!Compare()) return false;
    if (applied_.count(file.name)) return Execute("COMMIT");
    if (!ExecuteFile(file)) return false;
    if (!Execute("RESET ALL; RESET ROLE") || !Record(file) || !Execute("COMMIT")) return false;
    result_.applied.push_back(file.name);
    return true;
  }

  bool ReadApplied() {
    const PgResult rows = Query(kApplied, {source_.name});
    if (!rows) return false;
    applied_.clear();
    for (int i = 0; i < PQntuples(rows.get()); ++i) {
      applied_[PQgetvalue(rows.get(), i, 0)] = PQgetvalue(rows.get(), i, 1);
    }
    return true;
  }

  bool Record(const TemplateFile& file) {
    return Query(kRecord, {source_.name, file.name, file.checksum}) != nullptr;
  }

  // Null: it failed.
  PgResult Query(const char* sql, const std::vector<std::string>& values) {
    PgResult result = connection_.Execute(sql, values);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return result;
    const SqlError error = ReadError(result.get());
    Fail("", 0, error.sqlstate, Describe(error));
    return nullptr;
  }

  // Statements of our own.
  bool Execute(const char* sql) {
    const PgResult result = connection_.Execute(sql);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return true;
    const SqlError error = ReadError(result.get());
    return Fail("", 0, error.sqlstate, Describe(error));
  }

  // One answer comes for each statement: so the one that failed is known by counting.
  bool ExecuteFile(const TemplateFile& file) {
    size_t done = 0;
    if (PQsendQuery(handle_, file.sql.c_str()) != 1) return Fail(file.name, 0, "", "can't be sent");
    while (const PgResult result = connection_.AwaitResult()) {
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        ++done;
        continue;
      }
      // The connection can't be used any more; with it the transaction ends.
      if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
        return Fail(file.name, LineOf(file, done), "", "COPY with the client is not possible");
      }
      const SqlError error = ReadError(result.get());
      const char* position = PQresultErrorField(result.get(), PG_DIAG_STATEMENT_POSITION);
      const size_t line = position ? LineAt(file.sql, std::stoul(position)) : LineOf(file, done);
      Fail(file.name, line, error.sqlstate, Describe(error));
    }
    if (result_.failure) return false;
    if (connection_.flooded()) return Fail(file.name, 0, "", "made the server send too much");
    if (PQtransactionStatus(handle_) == PQTRANS_INTRANS) return true;
    return Fail(file.name, 0, "", "ended its transaction");
  }

  static size_t LineOf(const TemplateFile& file, size_t statement) {
    const std::vector<SqlStatement> all = FindStatements(file.sql);
    return statement < all.size() ? all[statement].line : 0;
  }

  std::string Describe(const SqlError& error) const {
    if (error.message.empty()) return "the connection is lost";
    return error.message + (error.detail.empty() ? "" : ". " + error.detail) +
           (error.hint.empty() ? "" : " " + error.hint);
  }

  // The first failure is the cause of those that follow.
  bool Fail(const std::string& file, size_t line, const std::string& state,
            const std::string& message) {
    if (!result_.failure) result_.failure = InstallFailure{file, line, state, message};
    return false;
  }

  PgConnection& connection_;
  PGconn* const handle_;
  const Template& source_;
  std::map<std::string, std::string> applied_;
  InstallResult result_;
};

}  // namespace

std::string InstallFailure::Text() const {
  std::string text = file;
  if (line > 0) text += " line " + std::to_string(line);
  if (!text.empty()) text += state.empty() ? " " : ": ";
  if (!state.empty()) text += state + ": ";
  return text + message;
}

InstallResult ApplyTemplate(PgConnection& connection, const Template& source) {
  return Installer(connection, source).Run();
}

}  // namespace latchkey
