// Command lines and environments of pg_dump and pg_restore.
#include "gateway/tenants/dump_programs.hpp"

#include <cstdlib>

#include "gateway/http/public_host.hpp"
#include "gateway/work/child_process.hpp"
#include "gateway/work/outside_connection.hpp"

namespace latchkey {
namespace {

// What this machine demands of servers, and what it has for those of the platform. RunChild()
// leaves out what is ours; libpq in this process has it for MakeConnectionString().
constexpr const char* kDemands[] = {"PGSSLROOTCERT", "PGSSLCRL", "PGSSLCRLDIR",
                                    "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"};
constexpr const char* kTrustedOnly[] = {"PGSSLCERT",     "PGSSLKEY",        "PGPASSFILE",
                                        "PGKRBSRVNAME",  "PGGSSENCMODE",    "PGREQUIREPEER",
                                        "PGREQUIREAUTH", "PGCHANNELBINDING"};

template <size_t N>
void PassOn(const char* const (&names)[N], std::vector<std::string>& environment) {
  for (const char* name : names) {
    if (const char* value = std::getenv(name)) {
      environment.push_back(std::string(name) + "=" + value);
    }
  }
}

// As MakeConnectionString() does it. Returns what is wrong.
std::string AddConnection(const DatabaseAddress& database, std::vector<std::string>& environment) {
  if (!database.trusted) {
    const ResolvedHost resolved = ResolvePublicHost(database.host, {});
    if (resolved.address.empty()) return resolved.error;
    environment.push_back("PGHOSTADDR=" + resolved.address);
    // What this machine has is not for somebody else's server.
    for (const char* guard :
         {"PGPASSFILE=/dev/null/none", "PGSSLCERT=/dev/null/none", "PGSSLKEY=/dev/null/none",
          "PGSSLCERTMODE=disable", "PGGSSENCMODE=disable", "PGGSSDELEGATION=0"}) {
      environment.push_back(guard);
    }
    const bool encrypted =
        database.sslmode == "require" || database.sslmode.rfind("verify-", 0) == 0;
    environment.push_back(std::string("PGREQUIREAUTH=") + (encrypted ? "password," : "") +
                          "md5,scram-sha-256,none");
  } else {
    PassOn(kTrustedOnly, environment);
  }
  PassOn(kDemands, environment);
  environment.push_back("PGHOST=" + database.host);
  environment.push_back("PGPORT=" + database.port);
  environment.push_back("PGDATABASE=" + database.database);
  environment.push_back("PGUSER=" + database.user);
  environment.push_back("PGSSLMODE=" + database.sslmode);
  environment.push_back("PGPASSWORD=" + database.password);
  return "";
}

}  // namespace

MakerFailure DumpPrograms::Run(const char* program, std::vector<std::string> arguments,
                               const DatabaseAddress* database, std::string* output) const {
  arguments.insert(arguments.begin(), folder_.empty() ? program : folder_ + "/" + program);
  std::vector<std::string> environment = {"PGSERVICEFILE=/dev/null", "PGAPPNAME=latchkey-worker",
                                          "LC_ALL=C"};
  if (database) {
    const std::string wrong = AddConnection(*database, environment);
    if (!wrong.empty()) return SqlError{"08001", wrong, "", ""};
  }
  ChildResult result = RunChild(arguments, environment, go_on_);
  if (result.stopped) return SqlError{"", kStopped, "", ""};
  if (!result.started) {
    return SqlError{"", std::string(program) + " can't be run; --pg-bin tells where it is", "", ""};
  }
  if (output && result.cut) {
    return SqlError{"", std::string(program) + " prints more than can be read", "", ""};
  }
  if (output) *output = std::move(result.output);
  if (result.succeeded) return std::nullopt;
  return SqlError{"", OneLine(std::move(result.errors)), "", ""};
}

MakerFailure DumpPrograms::Dump(const DatabaseAddress& database,
                                const std::vector<std::string>& options,
                                const std::string& file) const {
  std::vector<std::string> arguments = {"--format=custom", "--compress=1", "--no-password",
                                        "--file=" + file};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return Run("pg_dump", std::move(arguments), &database, nullptr);
}

MakerFailure DumpPrograms::Restore(const DatabaseAddress& database,
                                   const std::vector<std::string>& options,
                                   const std::string& file) const {
  std::vector<std::string> arguments = {"--exit-on-error", "--no-password",
                                        "--dbname=" + database.database};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back(file);
  return Run("pg_restore", std::move(arguments), &database, nullptr);
}

MakerFailure DumpPrograms::List(const std::string& file, std::string& text) const {
  return Run("pg_restore", {"--list", file}, nullptr, &text);
}

}  // namespace latchkey
