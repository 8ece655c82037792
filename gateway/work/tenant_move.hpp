// One run of the steps that move a tenant's database.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/tenants/database_contents.hpp"
#include "gateway/tenants/database_copy.hpp"
#include "gateway/tenants/private_folder.hpp"
#include "gateway/work/board.hpp"
#include "gateway/work/session.hpp"

namespace latchkey {

// What the main database says is to be done. $1: the tenant. It raises LK410 or LK404 when nothing
// is, and refuses from then on whoever was at it before.
struct MovePlan {
  static const char kSql[];
  static MovePlan Read(const PGresult* rows);

  std::string status;
  std::string run;
  std::string step;  // that was begun last; empty: none
  bool on_target = false;
  bool discard_writes = false;
  std::string checksum;
  DatabaseAddress source, source_server, target, target_server;
};

struct MoveOptions {
  int connect_timeout_s = 3;
  std::string folder;    // for dumps
  std::string programs;  // where pg_dump is
};

// Everything about the source is done in one session with its server, which holds a lock: whoever
// had the job before and is not dead yet keeps the next one waiting.
class TenantMove {
 public:
  TenantMove(WorkSession& session, HeldJob& job, MovePlan plan, MoveOptions options);

  // Does all that the status asks for. Answers with what went wrong.
  std::optional<SqlError> Run();
  // Then: whether another attempt can go on.
  bool is_worth_repeating() const { return is_worth_repeating_; }

 private:
  struct Step {
    const char* name;
    MakerFailure (TenantMove::*run)();
  };
  std::optional<SqlError> RunSteps(const std::vector<Step>& steps);
  std::optional<SqlError> MoveOrUndo();
  std::optional<SqlError> Undo();
  std::optional<SqlError> GoBack();
  // Tells the main database; an error: nothing more may be done.
  std::optional<SqlError> Record(const char* step, const Parameter& error);
  std::optional<SqlError> Finish(const Parameter& error);
  // Asks the main database now and then, so that a move that was called off ends soon.
  bool MayGoOn();

  // The steps.
  MakerFailure Hold();
  MakerFailure CreateTarget();
  MakerFailure RefuseSource();
  MakerFailure Dump();
  MakerFailure Restore();
  MakerFailure Compare();
  MakerFailure Switch();
  MakerFailure CloseTarget();
  MakerFailure CompareTarget();
  MakerFailure ReopenSource();
  MakerFailure DropTarget();
  MakerFailure DropSource();

  using Work = std::function<MakerFailure(PgConnection&)>;
  MakerFailure With(const DatabaseAddress& address, const Work& work);
  MakerFailure ReadContents(const DatabaseAddress& tenant, const DatabaseAddress& administration,
                            DatabaseContents& contents);
  MakerFailure ReadSourceDefinitions(std::string& definitions);
  // The server's role, in the tenant's database.
  static DatabaseAddress In(const DatabaseAddress& server, const DatabaseAddress& database);
  DatabaseAddress Reader(const DatabaseAddress& database) const;
  MakerFailure DropReader(PgConnection& server) const;

  WorkSession& session_;
  HeldJob& job_;
  const MovePlan plan_;
  const MoveOptions options_;
  const std::string reader_name_;
  const std::string reader_password_;
  std::optional<PgConnection> server_;  // of the source, with the lock
  std::optional<PrivateFolder> folder_;
  ForeignExtensions extensions_;
  std::string definitions_;  // of the source, when it began to refuse writes
  std::string step_;
  // Whether an attempt has begun to make the target, and to close the source.
  bool is_touched_;
  bool is_worth_repeating_ = true;
  bool is_refused_ = false;  // going back: the target was written, or can't be closed
  int64_t told_ms_ = 0;
  bool may_go_on_ = true;
};

}  // namespace latchkey
