// Dumps of tenants' databases in files of this machine: written beside their place, and put there
// when they are whole.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "gateway/http/log.hpp"
#include "gateway/tenants/dump_programs.hpp"
#include "gateway/tenants/private_folder.hpp"
#include "gateway/tenants/sha256.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 30000;
constexpr char kStart[] =
    "SELECT p.status, p.file_name, p.host, p.trusted, p.server_connection IS NOT NULL,"
    " " LATCHKEY_ADDRESS_COLUMNS("p.connection") ","
    " " LATCHKEY_ADDRESS_COLUMNS("p.server_connection")
    " FROM latchkey.start_export($1, $2) AS p";
constexpr char kFinish[] = "SELECT latchkey.finish_export($1, $2, $3, $4, $5, $6)";

struct ExportPlan {
  bool deleting = false;
  std::string file_name;
  std::string host;
  DatabaseAddress database;  // by whoever reads all of it
};

ExportPlan ReadExportPlan(const PGresult* rows) {
  constexpr int kFirst = 5;
  ExportPlan plan;
  plan.deleting = std::strcmp(PQgetvalue(rows, 0, 0), "deleting") == 0;
  plan.file_name = PQgetvalue(rows, 0, 1);
  plan.host = PQgetvalue(rows, 0, 2);
  plan.database = ReadAddress(rows, 0, kFirst, *PQgetvalue(rows, 0, 3) == 't');
  if (*PQgetvalue(rows, 0, 4) == 't') {
    const std::string name = plan.database.database;
    plan.database = ReadAddress(rows, 0, kFirst + kAddressColumns, true);
    plan.database.database = name;
  }
  return plan;
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

MakerFailure SystemFailure(const std::string& what) {
  return SqlError{"", what + ": " + std::strerror(errno), "", ""};
}

// Makes sure that what was written, or renamed there, outlives a crash of the machine.
MakerFailure Sync(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemFailure("the export can't be opened");
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced ? std::nullopt : SystemFailure("the export can't be written to the disk");
}

struct Written {
  long long bytes = 0;
  std::string sha256;
};

MakerFailure Measure(const std::string& path, Written& written) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemFailure("the export can't be read");
  Sha256Sum sum;
  char buffer[65536];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) {
    sum.Add({buffer, static_cast<size_t>(got)});
    written.bytes += got;
  }
  close(fd);
  if (got < 0) return SystemFailure("the export can't be read");
  written.sha256 = sum.Finish();
  return std::nullopt;
}

MakerFailure WriteExport(const DumpPrograms& programs, const ExportPlan& plan,
                         const std::string& folder, Written& written) {
  if (folder.empty()) {
    return SqlError{"", "this worker has no folder for exports; --export-folder names one", "", ""};
  }
  // On the same file system as the file's place, which it gets at once or not at all.
  const PrivateFolder unfinished(folder);
  if (!unfinished.error().empty()) return SqlError{"", unfinished.error(), "", ""};
  const std::string file = unfinished.File("dump");
  if (auto failure = programs.Dump(plan.database, {}, file)) return failure;
  if (chmod(file.c_str(), 0600) != 0) return SystemFailure("the export can't be kept private");
  if (auto failure = Measure(file, written)) return failure;
  if (auto failure = Sync(file)) return failure;
  if (std::rename(file.c_str(), (folder + "/" + plan.file_name).c_str()) != 0) {
    return SystemFailure("the export can't be put into its place");
  }
  return Sync(folder);
}

MakerFailure RemoveExport(const ExportPlan& plan, const std::string& folder) {
  if (!folder.empty() && unlink((folder + "/" + plan.file_name).c_str()) == 0) return Sync(folder);
  // Never written, or removed by an attempt that did not live to tell.
  if (plan.host.empty() || (!folder.empty() && errno == ENOENT && plan.host == HostName())) {
    return std::nullopt;
  }
  return SqlError{"", "the file is on " + plan.host + ", and can't be removed from here", "", ""};
}

}  // namespace

std::optional<int64_t> Worker::ExportTenant(WorkSession& session, HeldJob& job) {
  const TransactionResult started = session.Run(kStart, {job.account_id, job.id}, kTimeoutMs);
  // It is done, or nobody wants it any more.
  if (started.error && started.error->sqlstate == "LK404") return 0;
  if (started.error) return GiveUp(session, job, *started.error);
  const ExportPlan plan = ReadExportPlan(started.rows.get());
  const DumpPrograms programs(options_.pg_bin, [&job] { return !job.interrupt && !job.lost; });
  Written written;
  const MakerFailure failure = plan.deleting
                                   ? RemoveExport(plan, options_.export_folder)
                                   : WriteExport(programs, plan, options_.export_folder, written);
  if (job.interrupt || job.lost) {
    Leave(session, job);
    return std::nullopt;
  }
  const Parameter error = failure ? Parameter(OneLine(failure->message)) : std::nullopt;
  const TransactionResult told = session.Run(
      kFinish,
      {job.account_id, job.id, HostName(), std::to_string(written.bytes), written.sha256, error},
      kTimeoutMs);
  if (failure) return GiveUp(session, job, *failure);
  if (told.error) return GiveUp(session, job, *told.error);
  return 1;
}

}  // namespace latchkey
