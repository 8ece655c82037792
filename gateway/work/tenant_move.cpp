// The order of a move's steps, and what is told of them.
#include "gateway/work/tenant_move.hpp"

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/work/outside_connection.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {
namespace {

constexpr int64_t kTimeoutMs = 30000;
constexpr int64_t kAskEveryMs = 2000;
constexpr char kRecord[] = "SELECT latchkey.record_move($1, $2, $3, $4)";
constexpr char kFinish[] = "SELECT latchkey.finish_move($1, $2, $3)";

std::string Text(const SqlError& error) {
  return (error.sqlstate.empty() ? "" : error.sqlstate + ": ") + OneLine(error.message);
}

// What no other attempt will change: there is nothing to be done, or somebody else does it.
bool IsOver(const SqlError& error) {
  return error.sqlstate == "LK410" || error.sqlstate == "LK404";
}

}  // namespace

const char MovePlan::kSql[] =
    "SELECT p.status, p.run, p.step, p.on_target, p.discard_writes, p.checksum,"
    " " LATCHKEY_ADDRESS_COLUMNS("p.source") ", " LATCHKEY_ADDRESS_COLUMNS(
        "p.source_server") ", " LATCHKEY_ADDRESS_COLUMNS("p.target") ","
    " " LATCHKEY_ADDRESS_COLUMNS("p.target_server") " FROM latchkey.start_move($1) AS p";

MovePlan MovePlan::Read(const PGresult* rows) {
  constexpr int kFirst = 6;
  MovePlan plan;
  plan.status = PQgetvalue(rows, 0, 0);
  plan.run = PQgetvalue(rows, 0, 1);
  plan.step = PQgetvalue(rows, 0, 2);
  plan.on_target = *PQgetvalue(rows, 0, 3) == 't';
  plan.discard_writes = *PQgetvalue(rows, 0, 4) == 't';
  plan.checksum = PQgetvalue(rows, 0, 5);
  plan.source = ReadAddress(rows, 0, kFirst, true);
  plan.source_server = ReadAddress(rows, 0, kFirst + kAddressColumns, true);
  plan.target = ReadAddress(rows, 0, kFirst + 2 * kAddressColumns, true);
  plan.target_server = ReadAddress(rows, 0, kFirst + 3 * kAddressColumns, true);
  return plan;
}

std::optional<SqlError> TenantMove::Record(const char* step, const Parameter& error) {
  const auto failure =
      session_.Run(kRecord, {job_.account_id, plan_.run, step, error}, kTimeoutMs).error;
  told_ms_ = MonotonicMs();
  if (failure && IsOver(*failure)) {
    is_worth_repeating_ = false;
    may_go_on_ = false;
  }
  return failure;
}

std::optional<SqlError> TenantMove::Finish(const Parameter& error) {
  return session_.Run(kFinish, {job_.account_id, plan_.run, error}, kTimeoutMs).error;
}

bool TenantMove::MayGoOn() {
  if (job_.interrupt || job_.lost) return false;
  if (may_go_on_ && MonotonicMs() - told_ms_ > kAskEveryMs) Record(step_.c_str(), std::nullopt);
  return may_go_on_;
}

std::optional<SqlError> TenantMove::RunSteps(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (job_.interrupt || job_.lost) return SqlError{"", kStopped, "", ""};
    step_ = step.name;
    if (auto failure = Record(step.name, std::nullopt)) return failure;
    if (auto failure = (this->*step.run)()) return failure;
  }
  return std::nullopt;
}

std::optional<SqlError> TenantMove::Run() {
  if (plan_.status == "moving") return MoveOrUndo();
  if (auto failure = Hold()) return failure;
  if (plan_.status == "undoing") return Undo();
  if (plan_.status == "reverting") return GoBack();
  if (auto failure = RunSteps({{"drop_source", &TenantMove::DropSource}})) return failure;
  return Finish(std::nullopt);
}

std::optional<SqlError> TenantMove::MoveOrUndo() {
  // Its first step says nothing of a source that is closed and a target that is there.
  const char* first = is_touched_ ? "create_database" : "connect";
  const auto failure = RunSteps({{first, &TenantMove::Hold},
                                 {"create_database", &TenantMove::CreateTarget},
                                 {"refuse_writes", &TenantMove::RefuseSource},
                                 {"dump", &TenantMove::Dump},
                                 {"restore", &TenantMove::Restore},
                                 {"verify", &TenantMove::Compare},
                                 {"switch", &TenantMove::Switch}});
  // What was cut short by us has not failed.
  if (!failure || !may_go_on_ || job_.interrupt || job_.lost) return failure;
  LogEvent("error", "a tenant was not moved",
           {{"tenant", job_.account_id}, {"step", step_}, {"reason", Text(*failure)}});
  if (auto error = Record(step_.c_str(), Text(*failure))) return error;
  if (auto error = server_ || !is_touched_ ? Undo() : failure) return error;
  is_worth_repeating_ = false;
  return SqlError{"", step_ + ": " + Text(*failure), "", ""};
}

std::optional<SqlError> TenantMove::Undo() {
  if (is_touched_) {
    if (auto failure = ReopenSource()) return failure;
    if (auto failure = DropTarget()) return failure;
  }
  return Finish(std::nullopt);
}

std::optional<SqlError> TenantMove::GoBack() {
  if (plan_.on_target) {
    const MakerFailure closed = RunSteps({{"close_target", &TenantMove::CloseTarget}});
    // A target that is dead is a reason to go back.
    if (closed && !plan_.discard_writes) return is_refused_ ? Finish(closed->message) : closed;
    if (!plan_.discard_writes) {
      if (auto failure = RunSteps({{"verify", &TenantMove::CompareTarget}})) {
        return is_refused_ ? Finish(failure->message) : failure;
      }
    }
    if (auto failure = RunSteps({{"switch_back", &TenantMove::Switch}})) return failure;
  }
  if (auto failure = RunSteps({{"reopen_source", &TenantMove::ReopenSource},
                               {"drop_target", &TenantMove::DropTarget}})) {
    return failure;
  }
  return Finish(std::nullopt);
}

std::optional<int64_t> Worker::MoveTenant(WorkSession& session, HeldJob& job) {
  const TransactionResult started = session.Run(MovePlan::kSql, {job.account_id}, kTimeoutMs);
  // Whoever was at it has done it.
  if (started.error && IsOver(*started.error)) return 0;
  if (started.error) return GiveUp(session, job, *started.error);
  TenantMove move(session, job, MovePlan::Read(started.rows.get()),
                  {options_.tenant_connect_timeout_s, options_.dump_folder, options_.pg_bin});
  const auto failure = move.Run();
  if (!failure) return 1;
  if (job.lost || job.interrupt) {
    Leave(session, job);
    return std::nullopt;
  }
  return GiveUp(session, job, *failure, move.is_worth_repeating());
}

}  // namespace latchkey
