// Looking for lanes: one index look-up for each interval between what is known.
#include "extension/jobs/lanes.hpp"

#include <memory>
#include <unordered_map>

#include "extension/jobs/rules.hpp"
#include "extension/jobs/store.hpp"
#include "extension/pg/array.hpp"

extern "C" {
#include "access/transam.h"
}

namespace latchkey::jobs {

namespace {

constexpr size_t kMaxTypes = 1000;
constexpr size_t kMaxLanes = 10000;  // of one priority
constexpr size_t kMaxPriorities = 100;
constexpr size_t kMaxIntervals = 64;
// Forgetting costs one reading of all that is dead: at most one percent of the time.
constexpr int64_t kRemembered = int64_t{30} * 1000000;
constexpr int64_t kCostFactor = 100;

uint64_t taking_transaction = 0;

uint64_t CurrentTransaction() {
  return pg::Call([] { return U64FromFullTransactionId(GetTopFullTransactionIdIfAny()); });
}

bool MayLearn() { return taking_transaction == 0 || taking_transaction != CurrentTransaction(); }

}  // namespace

void NoteTaken() { taking_transaction = CurrentTransaction(); }

Lanes& LanesOf(const std::string& type) {
  static auto& known = *new std::unordered_map<std::string, std::unique_ptr<Lanes>>;
  const auto found = known.find(type);
  if (found != known.end()) return *found->second;
  if (known.size() >= kMaxTypes) known.clear();
  return *known.emplace(type, std::make_unique<Lanes>(type)).first->second;
}

void Lanes::Refresh(pg::Timestamp now) {
  const bool clock_went_back = now + kRemembered * kCostFactor < forget_at_;
  if (now < forget_at_ && !clock_went_back && rules_ == RulesGeneration()) return;
  known_.clear();
  rules_ = RulesGeneration();
  forget_at_ = now + kRemembered;
}

int64_t Lanes::BoundOf(int32_t priority, int64_t lane) const {
  // What is put back stands before all others there.
  if (RuleOf(type_, lane).Limits()) return 0;
  const auto bounds = known_.find(priority);
  if (bounds == known_.end()) return 0;
  const auto found = bounds->second.find(lane);
  return found == bounds->second.end() ? 0 : found->second;
}

void Lanes::Cut(int32_t priority, int64_t begin, int64_t end, size_t most,
                std::vector<Interval>& intervals) const {
  static const Bounds none;
  const auto found = known_.find(priority);
  const Bounds& bounds = found == known_.end() ? none : found->second;
  auto next = bounds.lower_bound(begin);
  const auto end_of = [&](auto it) { return it == bounds.end() ? end : std::min(it->first, end); };
  if (begin < end_of(next)) intervals.push_back({begin, 0, end_of(next), false});
  while (intervals.size() < most && next != bounds.end() && next->first < end) {
    const auto lane = next++;
    intervals.push_back({lane->first, BoundOf(priority, lane->first), end_of(next), true});
  }
}

// `oldest`: the first position that a transaction which still runs, or begins later, may write.
void Lanes::Learn(Bounds& bounds, const Interval& interval, const std::optional<int64_t>& found,
                  int64_t position, int64_t oldest) {
  if (interval.known && found != interval.begin) bounds[interval.begin] = oldest;
  if (found) bounds[*found] = std::min(position, oldest);
}

std::optional<int32_t> Lanes::FindPriority(pg::Spi& spi, int32_t from) {
  static pg::Statement statement(R"(
    SELECT priority FROM latchkey.jobs
     WHERE type = $1 AND priority >= $2 AND priority < $3 AND position IS NOT NULL
     ORDER BY type, priority, lane, position LIMIT 1)",
                                 pg::Statement::kIndexed);
  const auto next = known_.lower_bound(from);
  const int32_t gap_end = next == known_.end() ? INT32_MAX : next->first;
  // Below the first known one Find looks by the way.
  if (gap_end != INT32_MAX && next == known_.begin()) return gap_end;
  if (from < gap_end) {
    const pg::Rows rows = spi.RunLatest(statement, type_, from, gap_end);
    if (!rows.empty()) return rows[0].Get<int32_t>(1);
  }
  if (gap_end == INT32_MAX) return std::nullopt;
  return gap_end;
}

Lanes::Found Lanes::Find(pg::Spi& spi, int32_t priority, int64_t begin, int64_t end,
                         size_t wanted) {
  static pg::Statement statement(R"(
    SELECT h.lane, h.position, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
           (SELECT priority FROM latchkey.jobs
             WHERE type = $1 AND priority < $6 AND position IS NOT NULL
             ORDER BY type, priority, lane, position LIMIT 1)
      FROM unnest($3, $4, $5) WITH ORDINALITY AS i (lane, position, end_lane, n)
      LEFT JOIN LATERAL (
           SELECT j.lane, j.position FROM latchkey.jobs j
            WHERE j.type = $1 AND j.priority = $2 AND j.position IS NOT NULL
              AND (j.lane, j.position) >= (i.lane, i.position) AND j.lane < i.end_lane
            ORDER BY j.type, j.priority, j.lane, j.position LIMIT 1) h ON true
     ORDER BY i.n)",
                                 pg::Statement::kIndexed);
  Found result;
  bool around = begin >= end;  // whether the end of all lanes is still ahead
  int64_t from = begin;
  while (result.lanes.size() < wanted && (around || from < end)) {
    const size_t most = std::min(kMaxIntervals, wanted - result.lanes.size() + 1);
    std::vector<Interval> intervals;
    if (around) Cut(priority, from, kEndOfLanes, most, intervals);
    if (!around) Cut(priority, from, end, most, intervals);
    if (around && intervals.size() < most) Cut(priority, 0, end, most, intervals);
    if (intervals.empty()) break;
    std::vector<pg::Value> columns[3];
    for (const Interval& interval : intervals) {
      columns[0].push_back(pg::ToValue(interval.begin));
      columns[1].push_back(pg::ToValue(interval.position));
      columns[2].push_back(pg::ToValue(interval.end));
    }
    // Looked for below the lowest priority that is known, where nothing dead is remembered.
    const bool lowest = known_.empty() || known_.begin()->first >= priority;
    const pg::Timestamp started = pg::Now();
    const pg::Rows rows =
        spi.RunLatest(statement, type_, priority, pg::ToArray(INT8OID, columns[0]),
                      pg::ToArray(INT8OID, columns[1]), pg::ToArray(INT8OID, columns[2]),
                      lowest ? priority : INT32_MIN);
    const int64_t cost = pg::Now().micros - started.micros;
    if (cost > kRemembered / kCostFactor) forget_at_ = pg::Now() + cost * kCostFactor;
    result.before = rows[0].Optional<int32_t>(4);
    if (result.before) break;
    const bool may_learn = MayLearn();
    if (known_.size() > kMaxPriorities) known_.clear();
    Bounds& bounds = known_[priority];
    if (bounds.size() > kMaxLanes) bounds.clear();
    for (size_t i = 0; i < intervals.size(); ++i) {
      const pg::Row row = rows[i];
      const auto found = row.Optional<int64_t>(1);
      const int64_t position = row.Optional<int64_t>(2).value_or(0);
      if (may_learn) {
        Learn(bounds, intervals[i], found, position, row.Get<int64_t>(3) << kPositionShift);
      }
      if (intervals[i].begin < from) around = false;
      from = intervals[i].end;
      if (from == kEndOfLanes && around) {
        around = false;
        from = 0;
      }
      if (!found) continue;
      result.lanes.push_back(*found);
      // The rest of the interval, behind a lane that was not known, has not been looked at.
      const bool expected = intervals[i].known && *found == intervals[i].begin;
      if (!expected) {
        around = begin >= end && *found >= begin;
        from = *found + 1;
      }
      if (result.lanes.size() == wanted || !expected) break;
    }
  }
  return result;
}

}  // namespace latchkey::jobs
