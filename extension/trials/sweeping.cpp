// Which trials are open, which are about to end, and booking those that are over.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/trials/trials.hpp"

namespace latchkey::trials {

namespace {

constexpr int32_t kMaxRows = 1000;
constexpr int32_t kMaxSwept = 10000;

std::vector<Uuid> FindDue(pg::Spi& spi, pg::Timestamp now, int32_t max_rows) {
  static pg::Statement statement(R"(
    (SELECT account_id FROM latchkey.trials WHERE status = 'active' AND ends_at <= $1
      ORDER BY ends_at LIMIT $2)
    UNION ALL
    (SELECT account_id FROM latchkey.trials WHERE status = 'pending' AND starts_at <= $1
      ORDER BY starts_at LIMIT $2)
    LIMIT $2)");
  const pg::Rows rows = spi.RunLatest(statement, now, int64_t{max_rows});
  std::vector<Uuid> ids;
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  return ids;
}

// Not while somebody else changes the account: the next sweep finds it.
bool Sweep(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement lock(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED");
  if (spi.RunLatest(lock, account_id).empty()) return false;
  auto trial = FindTrial(spi, account_id);
  return trial && CatchUp(spi, *trial, now);
}

void CheckMaxRows(int32_t max_rows, int32_t most) {
  if (max_rows >= 1 && max_rows <= most) return;
  throw Error(ErrorCode::kInvalidArgument,
              "max_rows must lie between 1 and " + std::to_string(most));
}

}  // namespace

LATCHKEY_FUNCTION(trial_of, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  permissions::RequireAccount(args, account_id, "trials.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto trial = FindTrial(spi, account_id);
  spi.Finish();
  args.BeginSet();
  if (trial) args.EmitRow(TrialRow(*trial, pg::Now()));
  return args.Void();
}

LATCHKEY_FUNCTION(expiring_trials, kOpen) {
  args.RequireValue(0, "within");
  const auto after = args.Optional<Uuid>(1);
  const auto max_rows = args.Get<int32_t>(2, "max_rows");
  permissions::Require(args, "trials.read");
  CheckMaxRows(max_rows, kMaxRows);
  static pg::Statement statement(LATCHKEY_TRIAL R"(
     WHERE status IN ('pending', 'active') AND ends_at > $1 AND ends_at <= $1 + $2
       AND ($3 IS NULL OR (ends_at, account_id) >
             (SELECT t.ends_at, t.account_id FROM latchkey.trials t WHERE t.account_id = $3))
     ORDER BY ends_at, account_id LIMIT $4)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Timestamp now = pg::Now();
  const pg::Rows rows =
      spi.Read(statement, now, args.AsIs(0, INTERVALOID), after, int64_t{max_rows});
  std::vector<Trial> trials;
  for (uint64_t i = 0; i < rows.size(); ++i) trials.push_back(ReadTrial(rows[i]));
  spi.Finish();
  args.BeginSet();
  for (const Trial& trial : trials) args.EmitRow(TrialRow(trial, now));
  return args.Void();
}

LATCHKEY_FUNCTION(expire_trials, kOpen) {
  const auto max_rows = args.Get<int32_t>(0, "max_rows");
  permissions::Require(args, "trials.write");
  CheckMaxRows(max_rows, kMaxSwept);
  pg::RequireWritable("expire_trials()");
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  int32_t booked = 0;
  for (const Uuid& account_id : FindDue(spi, now, max_rows)) {
    if (Sweep(spi, account_id, now)) ++booked;
  }
  spi.Finish();
  return args.Return(booked);
}

}  // namespace latchkey::trials
