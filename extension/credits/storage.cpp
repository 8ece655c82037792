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
    found.push_back(LotWithoutHash(rows[i]));
    found.back().stored = &rows[i];
  }
  return found;
}

void ReadHash(Lot& lot) { lot.hash = lot.stored->Optional<std::string>(13); }

std::optional<int64_t> FindThreshold(const Uuid& account_id) {
  const pg::StoredRows rows = thresholds.Find(account_id);
  if (rows.size() == 0) return std::nullopt;
  return rows[0].Get<int64_t>(2);
}

bool LockLot(Lot& lot) {
  if (!lots.Lock(lot.stored->Stored())) return false;
  ReadHash(lot);
  return true;
}

std::vector<bool> AreKeysKnown(const Uuid& account_id, const std::vector<pg::Param>& keys) {
  return ledger.AreThere(account_id, keys);
}

bool InsertStored(const std::vector<pg::Param>& ledger_row) { return ledger.InsertNew(ledger_row); }

bool InsertAllStored(const std::vector<pg::Param>& ledger_rows) {
  return ledger.InsertAll(ledger_rows);
}

namespace {

pg::DirectTable::Changes ChangesOf(const Lot& lot) {
  const bool is_open = lot.available > 0 || lot.held > 0;
  return {{9, pg::ToParam(lot.available)},
          {10, pg::ToParam(lot.held)},
          {11, pg::ToParam(is_open)},
          {12, pg::ToParam(lot.seq)},
          {13, pg::ToParam(pg::ToBytes(lot.hash))}};
}

}  // namespace

void UpdateStored(const Lot& lot) { lots.Update(lot.stored->Stored(), ChangesOf(lot)); }

bool UpdateUnlocked(const Lot& lot) {
  return lots.UpdateUnlocked(lot.stored->Stored(), ChangesOf(lot));
}

}  // namespace latchkey::credits
