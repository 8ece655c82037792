// claim_jobs: ready jobs by priority, groups in turn.
#include "extension/jobs/claim.hpp"

#include <algorithm>
#include <set>

#include "extension/core/error.hpp"
#include "extension/core/random.hpp"
#include "extension/jobs/lanes.hpp"
#include "extension/jobs/rules.hpp"
#include "extension/jobs/store.hpp"
#include "extension/jobs/sweep.hpp"
#include "extension/jobs/tables.hpp"
#include "extension/jobs/waiting.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/advisory_slot.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::jobs {

namespace {

constexpr size_t kMaxTypes = 100;
constexpr size_t kMaxWorker = 200;
constexpr int32_t kMaxJobs = 1000;
constexpr size_t kClaimColumns = 10;
constexpr uint16_t kRuleSlot = 20;

class Claim {
 public:
  Claim(pg::Spi& spi, const std::string& worker, pg::Timestamp now, pg::Timestamp lease_end,
        size_t wanted)
      : spi_(spi),
        worker_(worker),
        token_(NewUuid()),
        now_(now),
        lease_end_(lease_end),
        wanted_(wanted) {}

  // Lowest priority first, over all types.
  void Run(const std::vector<std::string>& types) {
    for (const std::string& type : types) {
      Lanes& lanes = LanesOf(type);
      lanes.Refresh(now_);
      Look(lanes, -kMaxPriority);
    }
    while (Left() > 0 && !open_.empty()) {
      const Place place = *open_.begin();
      open_.erase(open_.begin());
      seen_.insert(place);
      const auto [priority, lanes] = place;
      while (Left() > 0 && Circle(*lanes, priority)) {
      }
      if (Left() > 0 && open_.count(place) == 0) Look(*lanes, priority + 1);
    }
  }

  std::vector<std::vector<pg::Value>>& claimed() { return claimed_; }

 private:
  size_t Left() const { return wanted_ - claimed_.size(); }

  void Look(Lanes& lanes, int32_t from) {
    const auto priority = lanes.FindPriority(spi_, from);
    if (priority) open_.insert({*priority, &lanes});
  }

  // Serves each lane of the priority once, from the one at which the last claim ended. True when
  // another circle could bring more. False also when a lower priority has come, which is served
  // first.
  bool Circle(Lanes& lanes, int32_t priority) {
    if (!lanes.turn || lanes.turn->priority != priority) {
      // A backend that has just begun starts anywhere, or many of them would all serve the first.
      uint64_t random = 0;
      FillRandom(&random, sizeof(random));
      lanes.turn = {priority, static_cast<int64_t>(random >> 2)};
    }
    const int64_t start = lanes.turn->lane;
    int64_t from = start;
    bool more = false;
    bool around = false;
    while (Left() > 0) {
      const size_t wanted = Left();
      const auto [found, before] = lanes.Find(spi_, priority, from, start, wanted);
      if (before && seen_.count({*before, &lanes}) == 0) {
        open_.insert({{*before, &lanes}, {priority, &lanes}});
        return false;
      }
      if (found.empty()) break;
      more |= Serve(lanes, priority, found);
      around = around || found.back() < from;
      from = found.back() + 1;
      lanes.turn->lane = from;
      if (found.size() < wanted || (around && from >= start)) break;
    }
    return more;
  }

  // An equal part for each. True when one of them may have more.
  bool Serve(Lanes& lanes, int32_t priority, const std::vector<int64_t>& found) {
    const auto part = static_cast<int32_t>((Left() + found.size() - 1) / found.size());
    std::vector<pg::Value> columns[3];
    for (const int64_t lane : found) {
      const Rule rule = RuleOf(lanes.type(), lane);
      if (rule.Limits()) {
        ServeLimited(lanes, priority, lane, rule, part);
        continue;
      }
      columns[0].push_back(pg::ToValue(lane));
      columns[1].push_back(pg::ToValue(lanes.BoundOf(priority, lane)));
      columns[2].push_back(pg::ToValue(part));
    }
    if (columns[0].empty() || Left() == 0) return false;
    return Take(lanes, priority, columns, false) >= static_cast<size_t>(part);
  }

  // Who serves a limited group holds a lock until the claim is committed, so that nobody counts
  // past another; the others go on to the next group.
  void ServeLimited(Lanes& lanes, int32_t priority, int64_t lane, const Rule& rule, int32_t part) {
    static pg::Statement count(R"(
      SELECT count(*)::integer FROM (
        SELECT FROM latchkey.jobs WHERE type = $1 AND lane = $2 AND occupies LIMIT $3) AS o)",
                               pg::Statement::kIndexed);
    const int32_t limit = rule.strict_order ? 1 : rule.max_running;
    const auto key = static_cast<uint64_t>(LaneOf(lanes.type()) ^ lane);
    if (!pg::AdvisorySlot(pg::AdvisorySlot::Reach::kDatabase, key, kRuleSlot).TryAcquire()) return;
    const auto running = spi_.RunLatest(count, lanes.type(), lane, limit)[0].Get<int32_t>(1);
    const int32_t places = std::min({limit - running, part, static_cast<int32_t>(Left())});
    if (places <= 0) return;
    const std::vector<pg::Value> columns[3] = {
        {pg::ToValue(lane)}, {pg::ToValue(int64_t{0})}, {pg::ToValue(places)}};
    Take(lanes, priority, columns, true);
  }

// Rows of the lanes $3, each from its position in $4 on and at most its part in $5, locked.
#define LATCHKEY_TAKEN                                                     \
  "WITH taken AS ("                                                        \
  "  SELECT j.account_id, j.id, j.position"                                \
  "    FROM unnest($3, $4, $5) AS l (lane, position, part)"                \
  "   CROSS JOIN LATERAL ("                                                \
  "         SELECT r.account_id, r.id, r.position FROM latchkey.jobs r"    \
  "          WHERE r.type = $1 AND r.priority = $2 AND r.lane = l.lane"    \
  "            AND r.position >= l.position AND r.position IS NOT NULL"    \
  "          ORDER BY r.type, r.priority, r.lane, r.position LIMIT l.part" \
  "            FOR UPDATE SKIP LOCKED) AS j"                               \
  "   LIMIT $6)"

  size_t Take(Lanes& lanes, int32_t priority, const std::vector<pg::Value> (&columns)[3],
              bool occupies) {
    const pg::Raw arrays[3] = {pg::ToArray(INT8OID, columns[0]), pg::ToArray(INT8OID, columns[1]),
                               pg::ToArray(INT4OID, columns[2])};
    const size_t taken = MayClaimDirectly() ? TakeDirectly(lanes, priority, arrays, occupies)
                                            : TakeBySpi(lanes, priority, arrays, occupies);
    if (taken > 0) NoteTaken();
    return taken;
  }

  size_t TakeDirectly(Lanes& lanes, int32_t priority, const pg::Raw (&arrays)[3], bool occupies) {
    static pg::Statement statement(LATCHKEY_TAKEN
                                   " SELECT account_id, id FROM taken ORDER BY position",
                                   pg::Statement::kIndexed);
    const pg::Rows rows = spi_.RunLatest(statement, lanes.type(), priority, arrays[0], arrays[1],
                                         arrays[2], static_cast<int64_t>(Left()));
    for (uint64_t i = 0; i < rows.size(); ++i) {
      claimed_.push_back(ClaimDirectly(rows[i].Get<Uuid>(1), rows[i].Get<Uuid>(2),
                                       {token_, now_, lease_end_, worker_, occupies}));
    }
    return rows.size();
  }

  size_t TakeBySpi(Lanes& lanes, int32_t priority, const pg::Raw (&arrays)[3], bool occupies) {
    static pg::Statement statement(LATCHKEY_TAKEN R"(,
      done AS (
        UPDATE latchkey.jobs AS j
           SET status = 'processing', position = NULL, attempts = attempts + 1, lease_token = $7,
               started_at = $8, lease_expires_at = least($9, $8 + timeout),
               deadline_at = $8 + timeout, worker = $10, occupies = $11
          FROM taken t WHERE j.account_id = t.account_id AND j.id = t.id
        RETURNING j.account_id, j.id, j.type, j.payload, j.attempts, j.lease_token,
                  j.lease_expires_at, j.group_key, j.cursor, j.correlation_id, t.position)
      SELECT * FROM done ORDER BY position)",
                                   pg::Statement::kIndexed);
    const pg::Rows rows =
        spi_.RunLatest(statement, lanes.type(), priority, arrays[0], arrays[1], arrays[2],
                       static_cast<int64_t>(Left()), token_, now_, lease_end_, worker_, occupies);
    for (uint64_t i = 0; i < rows.size(); ++i) {
      std::vector<pg::Value> job;
      job.reserve(kClaimColumns);
      for (size_t c = 1; c <= kClaimColumns; ++c) job.push_back(pg::ToValue(rows[i].Copy(c)));
      claimed_.push_back(std::move(job));
    }
    return rows.size();
  }

  using Place = std::pair<int32_t, Lanes*>;  // a priority of a type

  pg::Spi& spi_;
  std::set<Place> open_;
  std::set<Place> seen_;
  const std::string worker_;
  const Uuid token_;
  const pg::Timestamp now_;
  const pg::Timestamp lease_end_;
  const size_t wanted_;
  std::vector<std::vector<pg::Value>> claimed_;
};

}  // namespace

std::vector<std::string> TypesArgument(const pg::Args& args, int index) {
  args.RequireValue(index, "types");
  std::set<std::string> types;
  for (const auto& type : pg::FromTextArray(args.AsIs(index, TEXTARRAYOID))) {
    CheckType(type.value_or(""));
    types.insert(*type);
  }
  if (types.empty() || types.size() > kMaxTypes) {
    throw Error(ErrorCode::kInvalidArgument, "types must name from 1 to 100 types of jobs");
  }
  return {types.begin(), types.end()};
}

LATCHKEY_FUNCTION(claim_jobs, kOpen) {
  const std::vector<std::string> types = TypesArgument(args, 0);
  const std::string worker(args.Text(1, "worker"));
  const int32_t wanted = Bounded(args, 2, "max_jobs", kMaxJobs);
  permissions::Require(args, "jobs.write");
  if (worker.empty() || worker.size() > kMaxWorker) {
    throw Error(ErrorCode::kInvalidArgument, "worker must have from 1 to 200 bytes");
  }
  pg::Spi spi;
  const pg::Timestamp lease_end = LeaseEnd(spi, args, 3);
  RefreshRules(spi);
  Tend(spi);
  Claim claim(spi, worker, pg::Now(), lease_end, wanted);
  claim.Run(types);
  spi.Finish();
  if (!claim.claimed().empty()) StopWaiting();
  args.BeginSet();
  for (const auto& job : claim.claimed()) args.EmitRow(job);
  return args.Void();
}

}  // namespace latchkey::jobs
