// Cron expressions: parsing, and the next time that one names, in civil (local) time.
//
// As crontab(5): five fields (minute, hour, day of month, month, day of week), or six with seconds
// in front; lists, ranges, steps, names of months and days, 0 and 7 for Sunday; @hourly and its
// kin. Where both days are restricted, either suffices.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace latchkey {

// Seconds since 1970-01-01 00:00:00 of a calendar without time zones (proleptic Gregorian).
using CivilSeconds = int64_t;

struct CivilTime {
  int64_t year = 1970;
  int month = 1;  // from 1
  int day = 1;    // from 1
  int hour = 0;
  int minute = 0;
  int second = 0;
};
CivilSeconds ToCivilSeconds(const CivilTime& time);
CivilTime ToCivilTime(CivilSeconds seconds);

class Cron {
 public:
  // Raises LK400 that says which field is wrong and why; also for what never comes, 30 February.
  static Cron Parse(std::string_view expression);

  // The first civil time after `after` that the expression names; INT64_MAX for none.
  CivilSeconds NextAfter(CivilSeconds after) const;

  // Whether the hour is a star, with or without a step.
  bool IsEveryHour() const { return every_hour_; }

 private:
  bool HasDay(const CivilTime& time) const;

  uint64_t seconds_ = 1;
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;  // bit 0: Sunday
  bool any_day_ = false;
  bool any_weekday_ = false;
  bool every_hour_ = false;
};

// The civil time in a time zone at an instant (Unix time), both in seconds.
using ToCivil = std::function<CivilSeconds(int64_t)>;

// The first instant after `after` at which the expression comes true; INT64_MAX for never. What
// names its hours runs once for each: where clocks are set back at the first passing of that hour,
// where they are set forward and leave it out at the moment of the change. What runs in every hour
// (a star, with or without a step) runs at each passing, and not in an hour that there isn't. So do
// Vixie's cron and its heirs.
int64_t NextRun(const Cron& cron, const ToCivil& to_civil, int64_t after);

}  // namespace latchkey
