// Cron expressions: the calendar, and looking for the next time.
#include "extension/core/cron.hpp"

#include <algorithm>

namespace latchkey {

namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kHour = 3600;
// A leap day that falls on a given day of the week comes at the latest after 40 years (around a
// year like 2100).
constexpr int64_t kMaxYears = 41;

bool HasBit(uint64_t set, int bit) { return (set >> bit & 1) != 0; }

// Howard Hinnant, "chrono-compatible low-level date algorithms": days_from_civil.
int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

CivilSeconds ToCivilSeconds(const CivilTime& time) {
  return DaysFromCivil(time.year, time.month, time.day) * kDay + time.hour * kHour +
         time.minute * 60 + time.second;
}

// civil_from_days of the same source.
CivilTime ToCivilTime(CivilSeconds seconds) {
  const int64_t days = FloorDiv(seconds, kDay);
  const auto rest = static_cast<int>(seconds - days * kDay);
  const int64_t shifted = days + 719468;
  const int64_t era = FloorDiv(shifted, 146097);
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilTime time;
  time.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  time.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  time.year = year_of_era + era * 400 + (time.month <= 2);
  time.hour = rest / 3600;
  time.minute = rest / 60 % 60;
  time.second = rest % 60;
  return time;
}

bool Cron::HasDay(const CivilTime& time) const {
  const int64_t days = DaysFromCivil(time.year, time.month, time.day);
  const auto weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);  // 1970-01-01: Thursday
  const bool day = HasBit(days_, time.day);
  const bool in_week = HasBit(weekdays_, weekday);
  return any_day_ || any_weekday_ ? day && in_week : day || in_week;
}

CivilSeconds Cron::NextAfter(CivilSeconds after) const {
  CivilSeconds at = after + 1;
  const int64_t last_year = ToCivilTime(at).year + kMaxYears;
  while (true) {
    const CivilTime time = ToCivilTime(at);
    if (time.year > last_year) return INT64_MAX;
    if (!HasBit(months_, time.month)) {
      at = ToCivilSeconds(time.month == 12 ? CivilTime{time.year + 1, 1, 1}
                                           : CivilTime{time.year, time.month + 1, 1});
    } else if (!HasDay(time)) {
      at = at - (at % kDay + kDay) % kDay + kDay;
    } else if (!HasBit(hours_, time.hour)) {
      at = at - (at % kHour + kHour) % kHour + kHour;
    } else if (!HasBit(minutes_, time.minute)) {
      at = at - time.second + 60;
    } else if (!HasBit(seconds_, time.second)) {
      ++at;
    } else {
      return at;
    }
  }
}

namespace {

// The offset from UTC at instants, and where it changes.
class Offsets {
 public:
  explicit Offsets(const ToCivil& to_civil) : to_civil_(to_civil) {}

  int64_t At(int64_t instant) const { return to_civil_(instant) - instant; }

  // The first instant in (from, to] with another offset than at `from`, when `to` has one. At most
  // one change a day.
  int64_t ChangeWithin(int64_t from, int64_t to) const {
    const int64_t offset = At(from);
    while (to - from > 1) {
      const int64_t middle = from + (to - from) / 2;
      (At(middle) == offset ? from : to) = middle;
    }
    return to;
  }

 private:
  const ToCivil& to_civil_;
};

// The latest civil time that clocks have shown up to `instant`: where they were just set back, that
// is not what they show now.
CivilSeconds LatestShown(const Offsets& offsets, int64_t instant) {
  const CivilSeconds now = instant + offsets.At(instant);
  const int64_t before = instant - kDay;
  if (offsets.At(before) <= offsets.At(instant)) return now;
  const int64_t change = offsets.ChangeWithin(before, instant);
  return std::max(now, change - 1 + offsets.At(before));
}

}  // namespace

int64_t NextRun(const Cron& cron, const ToCivil& to_civil, int64_t after) {
  const Offsets offsets(to_civil);
  const bool once = !cron.IsEveryHour();
  int64_t instant = after;
  CivilSeconds shown = once ? LatestShown(offsets, after) : to_civil(after);
  while (true) {
    const CivilSeconds next = cron.NextAfter(shown);
    if (next == INT64_MAX) return INT64_MAX;
    const int64_t offset = offsets.At(instant);
    const int64_t due = next - offset;  // unless the offset changes before
    const int64_t reached = std::min(due, instant + kDay);
    if (offsets.At(reached) == offset) {
      if (reached == due) return due;
      instant = reached;
      continue;
    }
    const int64_t change = offsets.ChangeWithin(instant, reached);
    const int64_t new_offset = offsets.At(change);
    if (once && next < change + new_offset) return change;
    shown = change - 1 + (once ? std::max(offset, new_offset) : new_offset);
    instant = change;
  }
}

}  // namespace latchkey
