// The tables of a debit, read and written directly.
#include "extension/credits/storage.hpp"

#include "extension/pg/direct_table.hpp"

namespace latchkey::credits {

namespace {

pg::DirectTable lots("credit_lots", "credit_lots_open",
                     {"account_id", "id", "grant_id", "slice", "kind", "priority", "expires_at",
                      "granted_at", "available", "held", "open", "seq", "hash"});
pg::DirectTable ledger("credit_transactions", "credit_transactions_idempotency_key",
                       {"account_id", "id", "part", "kind", "amount", "total", "lot_id", "lot_seq",
                        "balance_after", "quantity", "recorded_at", "related_id", "service",
                        "idempotency_key", "fingerprint", "reference", "metadata", "hash"});
pg::DirectTable thresholds("credit_thresholds", "credit_thresholds_pkey",
                           {"account_id", "threshold", "is_low"});

}  // namespace

bool IsStorageDirect() {
  return lots.IsUsable(pg::DirectTable::kUpdate) && ledger.IsUsable(pg::DirectTable::kInsert) &&
         thresholds.IsUsable(pg::DirectTable::kRead);
}

std::vector<Lot> FindOpenLots(const Uuid& account_id) {
  const pg::StoredRows rows = lots.Find(account_id);
  std::vector<Lot> found;
  found.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    found.push_back(LotFromRow(rows[i]));
    found.back().stored = rows[i].Stored();
  }
  return found;
}

std::optional<int64_t> FindThreshold(const Uuid& account_id) {
  const pg::StoredRows rows = thresholds.Find(account_id);
  if (rows.size() == 0) return std::nullopt;
  return rows[0].Get<int64_t>(2);
}

bool LockLot(const Lot& lot) { return lots.Lock(lot.stored); }

bool WriteDebit(std::initializer_list<pg::Param> ledger_row, HeapTuple lot, const Left& left) {
  if (!ledger.InsertNew(ledger_row)) return false;
  const bool is_open = left.available > 0 || left.held > 0;
  lots.Update(lot, {{9, pg::ToParam(left.available)},
                    {10, pg::ToParam(left.held)},
                    {11, pg::ToParam(is_open)},
                    {12, pg::ToParam(left.seq)},
                    {13, left.hash}});
  return true;
}

}  // namespace latchkey::credits
