// A hold, and its row.
#pragma once

#include "extension/credits/ledger.hpp"

namespace latchkey::credits {

struct Hold {
  Uuid id;
  std::string service;
  int64_t quantity = 0;
  int64_t amount = 0;
  int64_t captured = 0;
  std::string status = "active";
  pg::Timestamp expires_at;
  pg::Timestamp created_at;
  std::optional<pg::Timestamp> settled_at;
  bool replayed = false;
};

std::vector<pg::Value> HoldRow(const Uuid& account_id, const Hold& hold);

// The hold that was made with the key; none when there is none. Raises LK419 when its arguments
// were others.
std::optional<Hold> FindHeld(pg::Spi& spi, const Uuid& account_id, const Idempotency& idempotency);

// Raises LK404.
Hold LockHold(pg::Spi& spi, const Uuid& account_id, const Uuid& hold_id);

}  // namespace latchkey::credits
