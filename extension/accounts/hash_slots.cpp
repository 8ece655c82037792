// Slots for password hashing, and the queue in front of them.
#include "extension/accounts/hash_slots.hpp"

#include "extension/core/error.hpp"
#include "extension/pg/datum.hpp"
#include "extension/pg/latch.hpp"
#include "extension/settings/server_settings.hpp"

extern "C" {
#include "storage/proc.h"
}

namespace latchkey::accounts {

namespace {

constexpr uint64_t kHashing = 0x6c61746368'6b6579;  // "latchkey"
constexpr uint16_t kQueue = 30000;                  // beyond every slot; pg_locks shows smallints
constexpr long kPollMs = 2;                         // a hash takes ten times as long

[[noreturn]] void ThrowTooBusy() {
  throw Error(ErrorCode::kTooBusy, "too many passwords are being checked", {},
              "Try again in a moment.");
}

int WaitMilliseconds() {
  const int wait = settings::HashWaitMilliseconds();
  return LockTimeout > 0 && LockTimeout < wait ? LockTimeout : wait;
}

}  // namespace

// Who waits stands in one queue, a lock of its own, so that whichever slot becomes free is used: a
// lock wait can't be for "any of these". Only the first of the queue looks around for one.
HashSlot::HashSlot() {
  const int wait = WaitMilliseconds();
  const pg::Timestamp deadline = pg::Now() + int64_t{wait} * 1000;
  pg::AdvisorySlot queue(pg::AdvisorySlot::Reach::kServer, kHashing, kQueue);
  if (!queue.TryAcquire() && !queue.AcquireWithin(wait)) ThrowTooBusy();
  while (!TryAny(settings::MaxConcurrentHashes())) {
    if (deadline <= pg::Now()) ThrowTooBusy();
    pg::Pause(kPollMs);
  }
  queue.Release();
}

bool HashSlot::TryAny(int count) {
  for (int i = 0; i < count; ++i) {
    slot_.emplace(pg::AdvisorySlot::Reach::kServer, kHashing, static_cast<uint16_t>(i));
    if (slot_->TryAcquire()) return true;
  }
  return false;
}

}  // namespace latchkey::accounts
