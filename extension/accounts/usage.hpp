// Usage counters of an account: per UTC day, and since ever.
#pragma once

#include "extension/pg/datum.hpp"

namespace latchkey::accounts {

// The feature under which an account's requests are counted (usage_daily, usage_total).
inline constexpr const char* kRequests = "requests";

struct UsageDay {
  pg::Timestamp start;
  pg::Timestamp end;  // when the daily counter is zero again

  static UsageDay Current() {
    const pg::Timestamp end = pg::NextUtcMidnight(pg::Now());
    return {end + -int64_t{86400} * 1000000, end};
  }
};

}  // namespace latchkey::accounts
