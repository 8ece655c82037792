// Locking one lot of several.
#include "extension/credits/lot_locks.hpp"

#include "extension/pg/array.hpp"

namespace latchkey::credits {

namespace {

std::optional<Lot> LockAny(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& ids,
                           int64_t cost, Patience patience) {
#define LATCHKEY_LOT_TO_DEBIT                                                   \
  "SELECT id, available, held, seq, hash, grant_id, kind, priority, "           \
  "expires_at, granted_at FROM latchkey.credit_lots WHERE account_id = $1 AND " \
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
  const pg::Row row = rows[0];
  Lot lot;
  lot.id = row.Get<Uuid>(1);
  lot.available = row.Get<int64_t>(2);
  lot.held = row.Get<int64_t>(3);
  lot.seq = row.Get<int64_t>(4);
  lot.hash = row.Optional<std::string>(5);
  lot.grant_id = row.Get<Uuid>(6);
  lot.kind = row.Text(7);
  lot.priority = row.Get<int32_t>(8);
  lot.expires_at = row.Optional<pg::Timestamp>(9);
  lot.granted_at = row.Get<pg::Timestamp>(10);
  return lot;
}

}  // namespace

std::optional<Lot> LockOne(pg::Spi& spi, const Uuid& account_id, const Candidates& candidates,
                           int64_t cost, Patience patience) {
  const auto lock = [&] { return LockAny(spi, account_id, candidates.ids, cost, patience); };
  return candidates.ample ? lock() : OrGiveBack(spi, lock);
}

}  // namespace latchkey::credits
