// enqueue_jobs: many jobs with one statement.
#include <set>
#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/pg/array.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::jobs {

namespace {

constexpr size_t kMaxBatch = 10000;

// The jobs of the array. Everything of them lives as long as the SPI session.
class Batch {
 public:
  Batch(pg::Spi& spi, const Uuid& account_id) : spi_(spi), account_id_(account_id) {}

  void Read(const pg::Raw& jobs) {
    static pg::Statement statement(R"(
      SELECT j.type, j.priority, j.run_at, j.max_retries, j.idempotency_key, j.group_key,
             j.correlation_id, j.timeout, coalesce(j.payload, '{}')
        FROM ROWS FROM (jsonb_to_recordset($1) AS (
               type text, payload jsonb, priority integer, run_at timestamptz, max_retries integer,
               timeout interval, idempotency_key text, group_key text, correlation_id text))
             WITH ORDINALITY AS j ORDER BY ordinality)");
    const int32_t max_retries = DefaultMaxRetries(spi_);
    const std::optional<std::string> correlation = CorrelationOr(std::nullopt);
    const pg::Rows rows = RunChecked(statement, jobs);
    if (rows.empty() || rows.size() > kMaxBatch) {
      throw Error(ErrorCode::kInvalidArgument, "jobs must be an array of 1 to 10000 objects");
    }
    jobs_.resize(rows.size());
    for (uint64_t i = 0; i < rows.size(); ++i) {
      const pg::Row row = rows[i];
      NewJob& job = jobs_[i];
      job.type = row.Optional<std::string_view>(1).value_or("");
      job.priority = row.Optional<int32_t>(2).value_or(100);
      job.run_at = row.Optional<pg::Timestamp>(3);
      job.max_retries = row.Optional<int32_t>(4).value_or(max_retries);
      job.idempotency_key = row.Optional<std::string>(5);
      job.group_key = row.Optional<std::string>(6);
      job.correlation_id = correlation;
      if (!row.IsNull(7)) job.correlation_id = CorrelationOr(row.Text(7));
      job.timeout = row.AsIs(8);
      job.payload = row.AsIs(9);
      CheckItem(i + 1, job);
    }
  }

  std::vector<Uuid> Write() {
    const pg::Timestamp now = pg::Now();
    ids_.reserve(jobs_.size());
    for (const NewJob& job : jobs_) ids_.push_back(IdFor(job));
    int64_t position = ReservePositions(static_cast<int64_t>(jobs_.size()));
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (is_new_[i]) Add(i, now, position++);
    }
    if (!columns_[0].empty()) Store(now);
    for (const std::string& type : ready_types_) WakeWorkers(type);
    return std::move(ids_);
  }

 private:
  // What is no array of objects, or has a member of a wrong type, is the caller's error.
  pg::Rows RunChecked(pg::Statement& statement, const pg::Raw& jobs) {
    pg::Subtransaction attempt(spi_);
    std::string problem;
    try {
      const pg::Rows rows = spi_.Run(statement, jobs);
      attempt.Commit();
      return rows;
    } catch (const pg::BackendError& error) {
      if (ERRCODE_TO_CATEGORY(error.data()->sqlerrcode) != ERRCODE_DATA_EXCEPTION) throw;
      problem = error.what();
      error.Free();
      attempt.Rollback();
    }
    throw Error(ErrorCode::kInvalidArgument, "jobs must be an array of 1 to 10000 objects",
                "The server says: " + problem + ".");
  }

  static void CheckItem(size_t number, const NewJob& job) {
    try {
      Check(job);
    } catch (const Error& error) {
      throw Error(error.code(), "job " + std::to_string(number) + ": " + error.message(),
                  error.detail(), error.hint());
    }
  }

  Uuid IdFor(const NewJob& job) {
    const Uuid id = NewUuid();
    std::optional<Uuid> first;
    if (job.idempotency_key) first = ClaimKey(spi_, account_id_, id, job);
    is_new_.push_back(!first);
    return first.value_or(id);
  }

  int64_t LaneFor(const NewJob& job) {
    if (!job.group_key) {
      if (!own_lane_) own_lane_ = LaneOf(std::nullopt, account_id_);
      return *own_lane_;
    }
    const auto found = lanes_.find(*job.group_key);
    if (found != lanes_.end()) return found->second;
    return lanes_.emplace(*job.group_key, LaneOf(*job.group_key)).first->second;
  }

  void Add(size_t i, pg::Timestamp now, int64_t position) {
    const NewJob& job = jobs_[i];
    const bool ready = !job.run_at || *job.run_at <= now;
    if (ready) ready_types_.emplace(job.type);
    pg::Value place;
    if (ready) place = pg::ToValue(position);
    const pg::Value values[] = {pg::ToValue(ids_[i]),
                                pg::ToValue(job.type),
                                pg::ToValue(job.priority),
                                pg::ToValue(LaneFor(job)),
                                place,
                                pg::ToValue(job.run_at.value_or(now)),
                                pg::ToValue(job.max_retries),
                                pg::ToValue(job.timeout),
                                pg::ToValue(job.group_key),
                                pg::ToValue(job.correlation_id),
                                pg::ToValue(job.payload)};
    for (size_t c = 0; c < kColumns; ++c) columns_[c].push_back(values[c]);
  }

  void Store(pg::Timestamp now) {
    static pg::Statement insert(R"(
      INSERT INTO latchkey.jobs (account_id, id, type, priority, lane, position, run_at,
                                 max_retries, created_at, timeout, group_key, correlation_id,
                                 payload)
      SELECT $1, id, type, priority, lane, position, run_at, max_retries, $2, timeout, group_key,
             correlation_id, payload
        FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             AS j (id, type, priority, lane, position, run_at, max_retries, timeout, group_key,
                   correlation_id, payload))");
    constexpr Oid kTypes[kColumns] = {UUIDOID, TEXTOID,        INT4OID, INT8OID,
                                      INT8OID, TIMESTAMPTZOID, INT4OID, INTERVALOID,
                                      TEXTOID, TEXTOID,        JSONBOID};
    pg::Raw a[kColumns];
    for (size_t c = 0; c < kColumns; ++c) a[c] = pg::ToArray(kTypes[c], columns_[c]);
    spi_.Run(insert, account_id_, now, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9],
             a[10]);
  }

  static constexpr size_t kColumns = 11;

  pg::Spi& spi_;
  const Uuid account_id_;
  std::vector<NewJob> jobs_;
  std::vector<Uuid> ids_;
  std::vector<bool> is_new_;
  std::optional<int64_t> own_lane_;
  std::unordered_map<std::string, int64_t> lanes_;
  std::set<std::string> ready_types_;
  std::vector<pg::Value> columns_[kColumns];
};

}  // namespace

LATCHKEY_FUNCTION(enqueue_jobs, kOpen) {
  args.RequireValue(0, "jobs");
  const Uuid account_id = RequireEnqueuer(args, 1);
  pg::Spi spi;
  Batch batch(spi, account_id);
  batch.Read(args.AsIs(0, JSONBOID));
  const std::vector<Uuid> ids = batch.Write();
  spi.Finish();
  return pg::ToArray(ids).value;
}

}  // namespace latchkey::jobs
