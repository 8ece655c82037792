// Locking without waiting: one lot for a debit, past those that others have, or all of an account.
#pragma once

#include "extension/credits/outlook.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::credits {

// Of the candidates: one that nobody has locked; kWait waits for one of them instead.
enum class Patience { kSkip, kWait };

std::optional<Lot> LockOne(pg::Spi& spi, const Uuid& account_id, const Outlook& outlook,
                           const Candidates& candidates, int64_t cost, Patience patience);

// All open lots of the account, sorted by id, without SPI. None when somebody has one of them, when
// some set credits aside, and where tables are not ordinary ones. What was locked until then stays
// so: those lots come before the others, so that LockLots() may follow. (Where a refund opens one
// that comes before them in that very moment, the server's deadlock detection may have to help.)
std::optional<std::vector<Lot>> LockAllStored(const Uuid& account_id);

// A lot that has been locked and turns out to hold too little stays locked, and who then waits for
// others, out of their order, may wait for ever. So it is given back. That costs a subtransaction;
// where there is very much it does not happen, or the server's deadlock detection ends it.
template <typename Lock>
std::optional<Lot> OrGiveBack(pg::Spi& spi, Lock&& lock) {
  pg::Subtransaction attempt(spi);
  std::optional<Lot> lot = lock();
  if (lot) {
    attempt.Commit();
  } else {
    attempt.Rollback();
  }
  return lot;
}

}  // namespace latchkey::credits
