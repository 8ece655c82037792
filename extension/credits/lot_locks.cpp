// Locking one lot of several, and all without waiting.
#include "extension/credits/lot_locks.hpp"

#include <algorithm>

#include "extension/credits/storage.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::credits {

namespace {

std::optional<Lot> LockAny(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& ids,
                           int64_t cost, Patience patience) {
#define LATCHKEY_LOT_TO_DEBIT                             \
  "SELECT " LATCHKEY_LOT_COLUMNS                          \
  " FROM latchkey.credit_lots WHERE account_id = $1 AND " \
  "available >= $3 AND "
  static pg::Statement wait(LATCHKEY_LOT_TO_DEBIT "id = $2 FOR NO KEY UPDATE");
  static pg::Statement one(LATCHKEY_LOT_TO_DEBIT "id = $2 FOR NO KEY UPDATE SKIP LOCKED");
  static pg::Statement any(LATCHKEY_LOT_TO_DEBIT
                           "id = ANY ($2) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED");
  // Backends begin at different slices.
  const Uuid& mine = ids[MyProcPid % ids.size()];
  const bool waits = patience == Patience::kWait;
  pg::Rows rows = spi.RunLatest(waits ? wait : one, account_id, mine, cost);
  if (rows.empty() && ids.size() > 1 && !waits) {
    rows = spi.RunLatest(any, account_id, pg::ToArray(ids), cost);
  }
  if (rows.empty()) return std::nullopt;
  return LotFromRow(rows[0]);
}

// The same without SPI. A lot that was read and has changed since counts as locked.
std::optional<Lot> LockStored(const Outlook& outlook, const Candidates& candidates) {
  const size_t count = candidates.ids.size();
  for (size_t i = 0; i < count; ++i) {
    const Uuid& id = candidates.ids[(MyProcPid + i) % count];
    const auto found = std::find_if(outlook.lots.begin(), outlook.lots.end(),
                                    [&](const Lot& lot) { return lot.id == id; });
    Lot lot = *found;
    if (LockLot(lot)) return lot;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Lot> LockOne(pg::Spi& spi, const Uuid& account_id, const Outlook& outlook,
                           const Candidates& candidates, int64_t cost, Patience patience) {
  if (outlook.stored && patience == Patience::kSkip) return LockStored(outlook, candidates);
  const auto lock = [&] { return LockAny(spi, account_id, candidates.ids, cost, patience); };
  return candidates.ample ? lock() : OrGiveBack(spi, lock);
}

std::optional<std::vector<Lot>> LockAllStored(const Uuid& account_id) {
  if (!IsStorageDirect()) return std::nullopt;
  std::vector<Lot> lots = FindOpenLots(account_id);
  const auto is_held = [](const Lot& lot) { return lot.held > 0; };
  if (std::any_of(lots.begin(), lots.end(), is_held)) return std::nullopt;
  std::sort(lots.begin(), lots.end(), [](const Lot& a, const Lot& b) { return a.id < b.id; });
  if (!std::all_of(lots.begin(), lots.end(), LockLot)) return std::nullopt;
  // Nobody closes one of these now, but until they were locked another may have been added.
  if (FindOpenLots(account_id).size() != lots.size()) return std::nullopt;
  return lots;
}

}  // namespace latchkey::credits
