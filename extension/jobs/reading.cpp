// get_job, list_jobs, list_job_results.
#include "extension/core/error.hpp"
#include "extension/jobs/store.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::jobs {

namespace {

constexpr int32_t kMaxRows = 1000;

void CheckStatus(const std::optional<std::string>& status) {
  if (!status) return;
  for (const char* known :
       {"pending", "processing", "completed", "failed", "timeout", "cancelled"}) {
    if (*status == known) return;
  }
  throw Error(ErrorCode::kInvalidArgument, "there is no such status", {},
              "It is pending, processing, completed, failed, timeout or cancelled.");
}

}  // namespace

LATCHKEY_FUNCTION(get_job, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto id = args.Get<Uuid>(1, "job_id");
  permissions::RequireAccount(args, account_id, "jobs.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  const std::vector<pg::Value> columns = ReadJob(spi, account_id, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(list_jobs, kOpen) {
  const auto account_id = args.Optional<Uuid>(0);
  const auto status = args.Optional<std::string>(1);
  const auto type = args.Optional<std::string>(2);
  const auto after = args.Optional<Uuid>(3);
  const int32_t max_rows = Bounded(args, 4, "max_rows", kMaxRows);
  if (account_id) {
    permissions::RequireAccount(args, *account_id, "jobs.read");
  } else {
    permissions::Require(args, "jobs.read");
  }
  CheckStatus(status);
  static pg::Statement of_account(R"(
    SELECT * FROM latchkey._job_states
     WHERE account_id = $1 AND id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       AND ($3 IS NULL OR status = $3) AND ($4 IS NULL OR type = $4)
     ORDER BY id DESC LIMIT $5)",
                                  pg::Statement::kCustom);
  // The few that are wanted are chosen before their columns are made: there may be a million.
  static pg::Statement of_all(R"(
    WITH live AS (
      SELECT account_id, id FROM latchkey.jobs
       WHERE id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
         AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR type = $3)
       ORDER BY id DESC LIMIT $4),
    over AS (
      SELECT account_id, id FROM latchkey.job_history
       WHERE id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
         AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR type = $3)
       ORDER BY id DESC LIMIT $4)
    SELECT s.* FROM (SELECT * FROM live UNION ALL SELECT * FROM over ORDER BY id DESC LIMIT $4) AS c
      JOIN latchkey._job_states s ON s.account_id = c.account_id AND s.id = c.id
     ORDER BY s.id DESC)",
                              pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = account_id
                            ? spi.Read(of_account, *account_id, after, status, type, max_rows)
                            : spi.Read(of_all, after, status, type, max_rows);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) args.EmitRow(JobColumns(rows[i]));
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_job_results, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto job_id = args.Get<Uuid>(1, "job_id");
  const auto after = args.Get<int32_t>(2, "after");
  const int32_t max_rows = Bounded(args, 3, "max_rows", kMaxRows);
  permissions::RequireAccount(args, account_id, "jobs.read");
  static pg::Statement statement(R"(
    SELECT position, result, recorded_at FROM latchkey.job_results
     WHERE account_id = $1 AND job_id = $2 AND position > $3
     ORDER BY account_id, job_id, position LIMIT $4)");
  pg::Spi spi(pg::Spi::kReadOnly);
  ReadJob(spi, account_id, job_id);
  const pg::Rows rows = spi.Read(statement, account_id, job_id, after, max_rows);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    args.EmitRow(
        {pg::ToValue(rows[i].Copy(1)), pg::ToValue(rows[i].Copy(2)), pg::ToValue(rows[i].Copy(3))});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::jobs
