// The periods that limits are counted over.
#pragma once

#include "extension/plans/entitlements.hpp"

namespace latchkey::quotas {

inline constexpr const char* kEver = "ever";

struct Period {
  std::string kind;  // day, month, billing or ever
  pg::Timestamp start;
  std::optional<pg::Timestamp> end;  // when the counter is zero again; none: never

  static Period Ever() { return {kEver, {PG_INT64_MIN}, std::nullopt}; }
};

// The one that the moment `own.at` belongs to. Days and months begin in the account's time zone. A
// billing period that is over goes on month by month until the next one is known; without one it is
// the calendar month.
Period PeriodOf(pg::Spi& spi, const plans::Entitlements& own, const plans::Feature& feature);

// The same for a kind of period and a time zone.
Period PeriodIn(pg::Spi& spi, const plans::Entitlements& own, const std::string& kind,
                const std::string& zone);

std::string TimeZoneOf(const plans::Entitlements& own);
bool IsCountedInUtc(std::string_view feature);  // whatever the account's time zone is

}  // namespace latchkey::quotas
