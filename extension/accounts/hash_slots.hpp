// Bounds how many password hashes run at once in the server, so that a storm of logins leaves cores
// for everybody else (latchkey.max_concurrent_hashes, latchkey.hash_wait).
#pragma once

#include <optional>

#include "extension/pg/advisory_slot.hpp"

namespace latchkey::accounts {

class HashSlot {
 public:
  // Waits its turn, first come first served; raises LK503 too_busy when that takes longer than
  // latchkey.hash_wait or lock_timeout.
  HashSlot();
  void Release() { slot_->Release(); }

 private:
  bool TryAny(int count);

  std::optional<pg::AdvisorySlot> slot_;
};

}  // namespace latchkey::accounts
