// Lots: reading, ranking and locking them.
//
// Locks are taken in this order, so that no two calls wait for each other: the account's row, a
// ledger row, holds by id, lots by id.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::pg {
class StoredRow;
}

namespace latchkey::credits {

struct Lot {
  Uuid id;
  Uuid grant_id;
  int32_t slice = 0;
  std::string kind;
  int32_t priority = 0;
  std::optional<pg::Timestamp> expires_at;
  pg::Timestamp granted_at;
  int64_t available = 0;
  int64_t held = 0;
  int64_t seq = 0;
  std::optional<std::string> hash;
  bool is_new = false;
  bool changed = false;
  const pg::StoredRow* stored = nullptr;  // the row itself, when it was read without SPI

  bool IsExpired(pg::Timestamp now) const { return expires_at && *expires_at <= now; }
};

// All columns of the table, in its order, which these two go by.
#define LATCHKEY_LOT_COLUMNS                                                             \
  "account_id, id, grant_id, slice, kind, priority, expires_at, granted_at, available, " \
  "held, open, seq, hash"
template <typename Row>
Lot LotWithoutHash(const Row& row) {
  Lot lot;
  lot.id = row.template Get<Uuid>(2);
  lot.grant_id = row.template Get<Uuid>(3);
  lot.slice = row.template Get<int32_t>(4);
  lot.kind = row.template Get<std::string>(5);
  lot.priority = row.template Get<int32_t>(6);
  lot.expires_at = row.template Optional<pg::Timestamp>(7);
  lot.granted_at = row.template Get<pg::Timestamp>(8);
  lot.available = row.template Get<int64_t>(9);
  lot.held = row.template Get<int64_t>(10);
  lot.seq = row.template Get<int64_t>(12);
  return lot;
}
template <typename Row>
Lot LotFromRow(const Row& row) {
  Lot lot = LotWithoutHash(row);
  lot.hash = row.template Optional<std::string>(13);
  return lot;
}

// Whether debits burn `a` before `b`: by priority, expiry, age; slices of one grant by number.
bool BurnsBefore(const Lot& a, const Lot& b);

// Raises LK400 when the sum leaves the range of bigint: no answer is ever a wrong number.
int64_t AddCredits(int64_t a, int64_t b);

// What can be spent of them now.
int64_t Spendable(const std::vector<Lot>& lots, pg::Timestamp now);

Lot* FindLot(std::vector<Lot>& lots, const Uuid& id);

// Locks all open lots of the account, and those with the given ids, and returns them in the order
// in which debits burn them. Nobody else changes any of them until the transaction ends.
std::vector<Lot> LockLots(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& also = {});

// What the account can spend now; reads without locks.
int64_t ReadSpendable(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now);

void InsertLot(pg::Spi& spi, const Uuid& account_id, const Lot& lot);
void UpdateLot(pg::Spi& spi, const Uuid& account_id, const Lot& lot);

}  // namespace latchkey::credits
