// The command `import-users`: a file of users into the database, in batches.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/users_file.hpp"
#include "gateway/db/pipeline.hpp"
#include "gateway/http/json_text.hpp"

namespace latchkey {
namespace {

constexpr size_t kBatchEntries = 100;
constexpr int64_t kBatchTimeoutMs = 600000;  // a hundred plain passwords are hashed in it
constexpr int kBarWidth = 40;

const Statement kImport = {kFirstStatementId,
                           "SELECT outcome, reason FROM latchkey.import_users($1::jsonb)"};

struct Rejected {
  const UserEntry* entry;
  std::string reason;
};

class Import {
 public:
  Import(Pool& pool, const UsersFile& file) : pool_(pool), file_(file) {}

  // False: the run itself failed; fatal() says why.
  bool Run() {
    std::vector<const UserEntry*> batch;
    for (const UserEntry& entry : file_.entries) {
      if (!entry.reason.empty()) {
        Record(entry, "rejected", entry.reason);
        continue;
      }
      batch.push_back(&entry);
      if (batch.size() < kBatchEntries) continue;
      if (!SendBatch(batch)) return false;
      batch.clear();
    }
    const bool sent = batch.empty() || SendBatch(batch);
    ShowProgress();
    if (shows_progress_) std::fputc('\n', stderr);
    return sent;
  }

  const std::string& fatal() const { return fatal_; }
  const std::vector<Rejected>& rejected() const { return rejected_; }

  void PrintSummary() const {
    const auto count = [this](const char* outcome) {
      const auto found = outcomes_.find(outcome);
      return found == outcomes_.end() ? size_t{0} : found->second;
    };
    std::printf("%zu entries: %zu imported, %zu skipped, %zu rejected\n", file_.entries.size(),
                count("imported"), count("skipped"), count("rejected"));
    for (const auto& [what, times] : reasons_) std::printf("  %6zu  %s\n", times, what.c_str());
  }

 private:
  bool SendBatch(const std::vector<const UserEntry*>& batch) {
    const TransactionResult result = Send(batch);
    if (!result.error) {
      TakeRows(batch, result.rows.get());
    } else if (IsFatal(*result.error)) {
      return false;
    } else if (batch.size() == 1) {
      Record(*batch[0], "rejected", Describe(*result.error));
    } else {
      // One entry spoiled the transaction of all: give each its own.
      for (const UserEntry* entry : batch) {
        if (!SendBatch({entry})) return false;
      }
    }
    ShowProgress();
    return true;
  }

  TransactionResult Send(const std::vector<const UserEntry*>& batch) {
    std::string array = "[";
    for (const UserEntry* entry : batch) {
      if (array.size() > 1) array += ',';
      array += entry->json;
    }
    array += ']';
    TransactionOptions options;
    options.access = Access::kWrite;
    options.timeout_ms = kBatchTimeoutMs;
    return RunPooled(pool_, {{&kImport, {array}}}, options);
  }

  // Rows come in the order of the entries.
  void TakeRows(const std::vector<const UserEntry*>& batch, const PGresult* rows) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const int row = static_cast<int>(i);
      if (row >= PQntuples(rows)) {
        Record(*batch[i], "rejected", "the database gave no answer for it");
        continue;
      }
      Record(*batch[i], PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1));
    }
  }

  void Record(const UserEntry& entry, const std::string& outcome, const std::string& reason) {
    ++outcomes_[outcome];
    ++done_;
    if (!reason.empty()) ++reasons_[outcome + ": " + reason];
    if (outcome == "rejected") rejected_.push_back({&entry, reason});
  }

  // No entry is to blame: no connection, no such function, no right to call it, a read-only server.
  bool IsFatal(const SqlError& error) {
    static const char* const prefixes[] = {"08", "53", "57", "40", "42", "3F", "25", "LK50"};
    bool is_fatal = error.sqlstate.empty();
    for (const char* prefix : prefixes) {
      is_fatal = is_fatal || error.sqlstate.compare(0, std::strlen(prefix), prefix) == 0;
    }
    if (is_fatal) fatal_ = error.message + (error.hint.empty() ? "" : ". " + error.hint);
    return is_fatal;
  }

  // Only our own messages are known to quote nothing.
  static std::string Describe(const SqlError& error) {
    if (error.sqlstate.compare(0, 2, "LK") == 0) return error.message;
    return "database error " + error.sqlstate;
  }

  void ShowProgress() const {
    if (!shows_progress_ || file_.entries.empty()) return;
    const size_t total = file_.entries.size();
    const int filled = static_cast<int>(done_ * kBarWidth / total);
    std::fprintf(stderr, "\r[%.*s%*s] %zu/%zu", filled, "########################################",
                 kBarWidth - filled, "", done_, total);
  }

  Pool& pool_;
  const UsersFile& file_;
  const bool shows_progress_ = isatty(STDERR_FILENO) == 1;
  size_t done_ = 0;
  std::map<std::string, size_t> outcomes_;
  std::map<std::string, size_t> reasons_;
  std::vector<Rejected> rejected_;
  std::string fatal_;
};

bool WriteRejected(const std::string& path, const std::vector<Rejected>& rejected) {
  std::string text = "[";
  for (const Rejected& item : rejected) {
    text += text.size() > 1 ? ",\n " : "\n ";
    text += R"({"position":)" + std::to_string(item.entry->position) + R"(,"email":)";
    AppendJsonString(text, item.entry->email);
    text += R"(,"reason":)";
    AppendJsonString(text, item.reason);
    text += R"(,"entry":)" + item.entry->shown + "}";
  }
  text += "\n]\n";
  // Personal data: for the one who runs the import only, also when the file was there before.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = fchmod(fd, 0600) == 0 &&
                       write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return close(fd) == 0 && written;
}

int Complain(const std::string& what) {
  std::fprintf(stderr, "latchkey-gateway: %s\n", what.c_str());
  return 1;
}

}  // namespace

int ImportUsers(const Config& config, const std::vector<std::string>& arguments) {
  std::string path, rejected_path;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--rejected" && i + 1 < arguments.size()) {
      rejected_path = arguments[++i];
    } else if (path.empty()) {
      path = arguments[i];
    } else {
      return Complain("import-users takes one file");
    }
  }
  if (path.empty()) return Complain("import-users needs a file");
  if (rejected_path.empty()) rejected_path = path + ".rejected.json";
  if (config.database_url.empty()) return Complain("--database-url is needed");
  const std::string malformed = CheckDatabaseUrl(config.database_url);
  if (!malformed.empty()) return Complain(malformed.c_str());
  const UsersFile file = ReadUsersFile(path);
  if (!file.error.empty()) return Complain(path + ": " + file.error);
  Pool::Options options;
  options.connect.url = config.database_url;
  Pool pool(std::move(options));
  Import import(pool, file);
  const bool complete = import.Run();
  import.PrintSummary();
  if (!import.rejected().empty()) {
    if (!WriteRejected(rejected_path, import.rejected())) {
      return Complain("can't write " + rejected_path);
    }
    std::printf("rejected entries are in %s\n", rejected_path.c_str());
  }
  if (!complete) return Complain("the import stopped: " + import.fatal());
  return 0;
}

}  // namespace latchkey
