// Time zones: offsets from PostgreSQL's own tables.
#include "extension/schedules/time_zone.hpp"

#include "extension/core/error.hpp"

extern "C" {
#include "pgtime.h"
}

namespace latchkey::schedules {

namespace {
constexpr int64_t kEpochSeconds = 946684800;  // 2000-01-01 as Unix time
}

ToCivil ZoneOf(const std::string& name) {
  const char* text = name.c_str();
  pg_tz* zone = nullptr;
  if (!name.empty() && name.size() <= 100) zone = pg::Call([=] { return pg_tzset(text); });
  if (zone == nullptr || !pg_tz_acceptable(zone)) {
    throw Error(ErrorCode::kInvalidArgument, "there is no such time zone",
                "It is called \"" + name + "\".", "SELECT name FROM pg_timezone_names lists them.");
  }
  return [zone](int64_t instant) {
    const pg_time_t time = instant;
    const struct pg_tm* local = pg_localtime(&time, zone);
    return local == nullptr ? instant : instant + local->tm_gmtoff;
  };
}

pg::Timestamp NextDue(const Cron& cron, const ToCivil& zone, pg::Timestamp after) {
  const int64_t next = NextRun(cron, zone, after.UnixSeconds());
  // A point that an expression's calendar holds, but time doesn't, has been refused with it.
  if (next == INT64_MAX) throw Error(ErrorCode::kInvalidArgument, "the schedule is never due");
  return {(next - kEpochSeconds) * 1000000};
}

}  // namespace latchkey::schedules
