// Which lanes have jobs that are ready, found without reading what is over.
//
// A lane is the jobs of one type, priority and group, in the order of their positions. Whoever
// claims a job leaves a dead entry in the index, and while any old snapshot is held these can't be
// removed: reading a lane from its beginning then takes longer with every job that was done. So a
// backend remembers, for each lane that it has looked at, below which position nothing is and
// nothing will come. The latter is known because a position begins with the number of the
// transaction that wrote it, and the oldest transaction that runs is known. (A snapshot that is
// only read with has no number, so it holds nothing back.)
#pragma once

#include <map>

#include "extension/pg/spi.hpp"

namespace latchkey::jobs {

// Lanes are numbered; one number is a lane in each priority.
inline constexpr int64_t kEndOfLanes = INT64_MAX;

// What this backend knows of the lanes of one type.
class Lanes {
 public:
  explicit Lanes(std::string type) : type_(std::move(type)) {}

  // The first priority from `from` on in which anything may be ready, as far as this backend knows.
  std::optional<int32_t> FindPriority(pg::Spi& spi, int32_t from);
  // At most `wanted` lanes that have ready jobs, in order: from `begin` on and before `end`, which
  // with `begin` not before it means around the end of all lanes.
  struct Found {
    std::vector<int64_t> lanes;
    std::optional<int32_t> before;  // a lower priority that has ready jobs
  };
  Found Find(pg::Spi& spi, int32_t priority, int64_t begin, int64_t end, size_t wanted);
  // From which position on the lane has to be read.
  int64_t BoundOf(int32_t priority, int64_t lane) const;

  // Forgets what is old, so that nothing stays hidden which a restored dump has brought.
  void Refresh(pg::Timestamp now);

  const std::string& type() const { return type_; }

  // Where the last claim ended: the lane behind it is the next to be served.
  struct Turn {
    int32_t priority = 0;
    int64_t lane = 0;
  };
  std::optional<Turn> turn;

 private:
  using Bounds = std::map<int64_t, int64_t>;  // lane to position
  struct Interval {
    int64_t begin;
    int64_t position;
    int64_t end;
    bool known;  // whether it begins with a lane that is remembered
  };
  void Cut(int32_t priority, int64_t begin, int64_t end, size_t most,
           std::vector<Interval>& intervals) const;
  static void Learn(Bounds& bounds, const Interval& interval, const std::optional<int64_t>& found,
                    int64_t position, int64_t oldest);

  const std::string type_;
  std::map<int32_t, Bounds> known_;  // by priority
  pg::Timestamp forget_at_{};
  uint64_t rules_ = 0;
};

// The type's lanes, as this backend knows them.
Lanes& LanesOf(const std::string& type);

// This transaction has taken ready jobs. What it then doesn't see might come back with its
// rollback, so nothing is learnt from it any more.
void NoteTaken();

}  // namespace latchkey::jobs
