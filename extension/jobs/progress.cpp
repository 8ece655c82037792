// report_progress and extend_lease.
#include "extension/core/error.hpp"
#include "extension/jobs/store.hpp"

namespace latchkey::jobs {

namespace {

struct Progress {
  std::optional<int64_t> processed;
  std::optional<int64_t> target;
  pg::Raw cursor{JSONBOID};
  pg::Raw result{JSONBOID};
};

// When the lease ends now. The job's row is locked by it, so that partial results are numbered one
// after the other.
pg::Timestamp Report(pg::Spi& spi, const Lease& lease, const Progress& progress,
                     pg::Timestamp lease_end) {
  static pg::Statement update(R"(
    UPDATE latchkey.jobs
       SET processed = coalesce($4, processed), target = coalesce($5, target),
           cursor = coalesce($6, cursor), results = results + CASE WHEN $7 THEN 1 ELSE 0 END,
           lease_expires_at = least($8, deadline_at)
     WHERE account_id = $1 AND id = $2 AND lease_token IS NOT DISTINCT FROM $3
    RETURNING lease_expires_at, results)");
  static pg::Statement append(R"(
    INSERT INTO latchkey.job_results (account_id, job_id, position, result, recorded_at)
    VALUES ($1, $2, $3, $4, $5))");
  const pg::Rows rows =
      spi.RunLatest(update, lease.account_id, lease.job_id, lease.token, progress.processed,
                    progress.target, progress.cursor, !progress.result.is_null, lease_end);
  if (rows.empty()) ThrowNotLeased(spi, lease.account_id, lease.job_id);
  const auto end = rows[0].Get<pg::Timestamp>(1);
  const auto results = rows[0].Get<int32_t>(2);
  if (!progress.result.is_null) {
    spi.Run(append, lease.account_id, lease.job_id, results, progress.result, pg::Now());
  }
  return end;
}

std::optional<int64_t> Count(const pg::Args& args, int index, const char* name) {
  const auto count = args.Optional<int64_t>(index);
  if (count && *count < 0) {
    throw Error(ErrorCode::kInvalidArgument, std::string(name) + " must not be negative");
  }
  return count;
}

}  // namespace

LATCHKEY_FUNCTION(report_progress, kOpen) {
  const Lease lease = LeaseArguments(args);
  Progress progress;
  progress.processed = Count(args, 3, "processed");
  progress.target = Count(args, 4, "target");
  progress.cursor = args.AsIs(5, JSONBOID);
  progress.result = args.AsIs(6, JSONBOID);
  pg::Spi spi;
  const pg::Timestamp end = Report(spi, lease, progress, LeaseEnd(spi, args, 7));
  spi.Finish();
  return args.Return(end);
}

LATCHKEY_FUNCTION(extend_lease, kOpen) {
  const Lease lease = LeaseArguments(args);
  pg::Spi spi;
  const pg::Timestamp end = Report(spi, lease, {}, LeaseEnd(spi, args, 3));
  spi.Finish();
  return args.Return(end);
}

}  // namespace latchkey::jobs
