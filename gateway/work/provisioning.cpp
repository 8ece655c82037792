// Making a tenant's database, and bringing it up to date, in steps that can each be repeated.
#include <functional>

#include "gateway/http/log.hpp"
#include "gateway/tenants/database_maker.hpp"
#include "gateway/tenants/installer.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 10000;
constexpr char kStart[] =
    "SELECT p.template, p.trusted, p.server_connection IS NOT NULL,"
    " " LATCHKEY_ADDRESS_COLUMNS("p.connection") ","
    " " LATCHKEY_ADDRESS_COLUMNS("p.server_connection")
    " FROM latchkey.start_provisioning($1) AS p";
constexpr char kRecord[] = "SELECT latchkey.record_provisioning($1, $2, $3, $4)";
constexpr char kFinish[] = "SELECT latchkey.finish_provisioning($1, $2)";

struct Plan {
  std::string template_name;  // empty: none
  DatabaseAddress database;
  std::optional<DatabaseAddress> server;  // where it is to be made

  // The server's role, in the tenant's database.
  DatabaseAddress Administration() const {
    DatabaseAddress address = *server;
    address.database = database.database;
    return address;
  }
};

Plan ReadPlan(const PGresult* rows) {
  Plan plan;
  plan.template_name = PQgetvalue(rows, 0, 0);
  plan.database = ReadAddress(rows, 0, 3, *PQgetvalue(rows, 0, 1) == 't');
  if (*PQgetvalue(rows, 0, 2) == 't') {
    plan.server = ReadAddress(rows, 0, 3 + kAddressColumns, true);
  }
  return plan;
}

// One run of the steps for one tenant.
class Provisioning {
 public:
  Provisioning(HeldJob& job, Plan plan, const Worker::Options& options)
      : job_(job), plan_(std::move(plan)), options_(options) {}

  struct Step {
    const char* name;
    MakerFailure (Provisioning::*run)();
  };
  std::vector<Step> Steps() const {
    std::vector<Step> steps;
    if (plan_.server) {
      steps.push_back({"create_database", &Provisioning::Create});
      steps.push_back({"install_extension", &Provisioning::Extend});
    }
    if (!plan_.template_name.empty()) {
      steps.push_back({"install_template", &Provisioning::Install});
    }
    steps.push_back({"verify", &Provisioning::Verify});
    return steps;
  }

  // The last file of the template that is there, as far as is known.
  const Parameter& version() const { return version_; }

 private:
  using Work = std::function<MakerFailure(PgConnection&)>;
  MakerFailure With(const DatabaseAddress& address, const Work& work) {
    OutsideConnection outside(job_, address, options_.tenant_connect_timeout_s);
    if (outside.error().empty()) return work(outside.connection());
    if (!plan_.server) return SqlError{"08001", outside.error(), "", ""};
    // Members of the tenant read the error: where the platform's servers are is not for them.
    LogEvent("error", "no connection to a server for tenants' databases",
             {{"tenant", job_.account_id}, {"reason", outside.error()}});
    return SqlError{"08001", "no connection to the server; the worker's log says why", "", ""};
  }

  MakerFailure Create() {
    return With(*plan_.server, [this](PgConnection& connection) {
      return CreateTenantDatabase(connection, plan_.database);
    });
  }

  MakerFailure Extend() {
    return With(plan_.Administration(), [this](PgConnection& connection) {
      return InstallExtension(connection, plan_.database.user);
    });
  }

  MakerFailure Install() {
    source_ = ReadTemplate(options_.templates, plan_.template_name);
    if (!source_.error.empty()) return SqlError{"", source_.error, "", ""};
    return With(plan_.database, [this](PgConnection& connection) -> MakerFailure {
      const InstallResult result = ApplyTemplate(connection, source_);
      // They are applied in their order, so their number tells which is the last.
      const size_t there = result.present + result.applied.size();
      if (there > 0 && there <= source_.files.size()) version_ = source_.files[there - 1].name;
      if (!result.failure) return std::nullopt;
      return SqlError{"", OneLine(result.failure->Text()), "", ""};
    });
  }

  MakerFailure Verify() {
    return With(plan_.database, [this](PgConnection& connection) {
      return VerifyDatabase(connection, plan_.template_name.empty() ? nullptr : &source_);
    });
  }

  HeldJob& job_;
  const Plan plan_;
  const Worker::Options& options_;
  Template source_;
  Parameter version_;
};

// What no retry will change: the tenant is archived or deleted, or has no database any more.
bool IsOver(const SqlError& error) {
  return error.sqlstate == "LK410" || error.sqlstate == "LK404";
}

std::string Text(const SqlError& error) {
  return (error.sqlstate.empty() ? "" : error.sqlstate + ": ") + OneLine(error.message);
}

}  // namespace

std::optional<int64_t> Worker::ProvisionTenant(WorkSession& session, HeldJob& job) {
  const TransactionResult started = session.Run(kStart, {job.account_id}, kTimeoutMs);
  if (started.error) return GiveUp(session, job, *started.error, !IsOver(*started.error));
  Provisioning run(job, ReadPlan(started.rows.get()), options_);
  const auto record = [&](const char* step, const Parameter& error) {
    return session.Run(kRecord, {job.account_id, step, error, run.version()}, kTimeoutMs).error;
  };
  for (const Provisioning::Step& step : run.Steps()) {
    if (Leave(session, job)) return std::nullopt;
    if (const auto error = record(step.name, std::nullopt)) return GiveUp(session, job, *error);
    const MakerFailure failure = (run.*step.run)();
    if (!failure) continue;
    // What was cut short by us has not failed.
    if (Leave(session, job)) return std::nullopt;
    record(step.name, Text(*failure));
    return GiveUp(session, job, {"", std::string(step.name) + ": " + Text(*failure), "", ""});
  }
  const TransactionResult finished =
      session.Run(kFinish, {job.account_id, run.version()}, kTimeoutMs);
  if (finished.error) return GiveUp(session, job, *finished.error, !IsOver(*finished.error));
  return 1;
}

}  // namespace latchkey
