// Counting what an account uses, up to its limit.
#pragma once

#include "extension/quotas/periods.hpp"

namespace latchkey::quotas {

struct Quota {
  std::string feature;
  Period period;
  std::optional<int64_t> limit;  // none: unlimited
  int64_t used = 0;
  pg::Timestamp at{};          // the moment that the period belongs to,
  std::string time_zone = {};  // and the account's, as far as this backend knows

  bool Allows(int64_t amount) const { return !limit || used <= *limit - amount; }
};

// Of a feature that the account may use now, with `used` still zero. Raises LK413, LK404.
Quota QuotaOf(pg::Spi& spi, const Uuid& account_id, std::string_view feature);

void CheckAmount(int64_t amount);  // raises LK400

int64_t ReadUsed(pg::Spi& spi, const Uuid& account_id, const std::string& feature,
                 const Period& period);

// Locks the account's row against changes of its time zone, before a counter is made or given back
// to: whoever changes it carries all counters over. Raises LK404.
std::string LockTimeZone(pg::Spi& spi, const Uuid& account_id);

// Counts, unless that would exceed the limit: then false. Sets quota.used either way. Locks the
// counter: who comes next waits, and then decides by what is left. Raises LK404.
bool Count(pg::Spi& spi, const Uuid& account_id, Quota& quota, int64_t amount);

// Takes back what was counted, and not more.
void Uncount(pg::Spi& spi, const Uuid& account_id, const std::string& feature, const Period& period,
             int64_t amount);

// Raises LK429 with limit and end; quota.used is what is used.
[[noreturn]] void ThrowExceeded(const Quota& quota, int64_t amount);

std::vector<pg::Value> QuotaRow(const Quota& quota);

}  // namespace latchkey::quotas
