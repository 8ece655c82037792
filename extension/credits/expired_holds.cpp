// Holds whose time is over give back what they set aside.
#include "extension/credits/expired_holds.hpp"

#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/lot_locks.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::credits {

namespace {

std::vector<Uuid> LockExpiredHolds(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT id FROM latchkey.credit_holds
     WHERE account_id = $1 AND status = 'active' AND expires_at <= $2 ORDER BY id FOR UPDATE)");
  std::vector<Uuid> ids;
  const pg::Rows rows = spi.RunLatest(statement, account_id, now);
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  return ids;
}

void Release(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& holds,
             std::vector<Lot>& lots, pg::Timestamp now) {
  static pg::Statement held(R"(
    SELECT lot_id, amount FROM latchkey.credit_hold_lots
     WHERE account_id = $1 AND hold_id = ANY ($2))");
  static pg::Statement settle(R"(
    UPDATE latchkey.credit_holds SET status = 'expired', settled_at = $3
     WHERE account_id = $1 AND id = ANY ($2))");
  const pg::Raw ids = pg::ToArray(holds);
  const pg::Rows rows = spi.RunLatest(held, account_id, ids);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const auto amount = rows[i].Get<int64_t>(2);
    Lot* lot = FindLot(lots, rows[i].Get<Uuid>(1));
    if (lot == nullptr || lot->held < amount) {
      throw Error(ErrorCode::kConflict, "a hold and its lots differ", {},
                  "SELECT * FROM latchkey.verify_ledger() names them.");
    }
    lot->held -= amount;
    lot->available = AddCredits(lot->available, amount);
    lot->changed = true;
  }
  spi.RunLatest(settle, account_id, ids, now);
}

}  // namespace

bool HasExpiredHolds(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.credit_holds
     WHERE account_id = $1 AND status = 'active' AND expires_at <= $2 LIMIT 1)");
  return !spi.RunLatest(statement, account_id, now).empty();
}

std::vector<Lot> LockAccount(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  if (auto lots = LockAllStored(account_id)) {  // where nothing is held, no hold has expired
    std::sort(lots->begin(), lots->end(), BurnsBefore);
    return *lots;
  }
  const std::vector<Uuid> holds = LockExpiredHolds(spi, account_id, now);
  std::vector<Lot> lots = LockLots(spi, account_id);
  if (!holds.empty()) Release(spi, account_id, holds, lots, now);
  return lots;
}

}  // namespace latchkey::credits
