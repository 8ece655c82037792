// One of a number of slots, held by an advisory lock of the transaction: bounds how many do a thing
// at once, and survives no crash. Lock tags are our own: they never meet an application's advisory
// locks.
#pragma once

#include "extension/pg/fence.hpp"

extern "C" {
#include "storage/lock.h"
}

namespace latchkey::pg {

class AdvisorySlot {
 public:
  enum class Reach { kServer, kDatabase };

  // `key` says what is bounded, `slot` which of its places.
  AdvisorySlot(Reach reach, uint64_t key, uint16_t slot);

  bool TryAcquire();
  void Acquire();
  // Queues behind the others, first come first served. False when the time is over; then the server
  // has raised an error inside, and the caller must raise one too.
  bool AcquireWithin(int milliseconds);
  // At the latest the end of the transaction releases it.
  void Release();

 private:
  LOCKTAG tag_;
};

}  // namespace latchkey::pg
