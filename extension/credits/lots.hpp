// Lots: reading, ranking and locking them.
//
// Locks are taken in this order, so that no two calls wait for each other: the account's row, a
// ledger row, holds by id, lots by id.
#pragma once

#include "extension/pg/spi.hpp"

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

  bool IsExpired(pg::Timestamp now) const { return expires_at && *expires_at <= now; }
};

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
