// Slots over the server's lock manager.
#include "extension/pg/advisory_slot.hpp"

extern "C" {
#include "storage/lmgr.h"
#include "storage/proc.h"
}

namespace latchkey::pg {

namespace {
// pg_advisory_lock uses 1 and 2 in the tag's fourth field; ours start beyond.
constexpr uint16_t kFirstSlot = 1000;

// Shortens lock_timeout while it lives, however its block is left.
class LockTimeoutScope {
 public:
  explicit LockTimeoutScope(int milliseconds) : configured_(LockTimeout) {
    if (configured_ <= 0 || configured_ > milliseconds) LockTimeout = milliseconds;
  }
  ~LockTimeoutScope() { LockTimeout = configured_; }
  LockTimeoutScope(const LockTimeoutScope&) = delete;
  LockTimeoutScope& operator=(const LockTimeoutScope&) = delete;

 private:
  const int configured_;
};

}  // namespace

AdvisorySlot::AdvisorySlot(Reach reach, uint64_t key, uint16_t slot) {
  const Oid database = reach == Reach::kServer ? InvalidOid : MyDatabaseId;
  SET_LOCKTAG_ADVISORY(tag_, database, static_cast<uint32>(key >> 32), static_cast<uint32>(key),
                       static_cast<uint16_t>(kFirstSlot + slot));
}

bool AdvisorySlot::TryAcquire() {
  const LOCKTAG* tag = &tag_;
  return Call([=] { return LockAcquire(tag, ExclusiveLock, false, true); }) !=
         LOCKACQUIRE_NOT_AVAIL;
}

void AdvisorySlot::Acquire() {
  const LOCKTAG* tag = &tag_;
  Call([=] { LockAcquire(tag, ExclusiveLock, false, false); });
}

bool AdvisorySlot::AcquireWithin(int milliseconds) {
  const LOCKTAG* tag = &tag_;
  const LockTimeoutScope timeout(milliseconds);
  try {
    Call([=] { LockAcquire(tag, ExclusiveLock, false, false); });
  } catch (const BackendError& error) {
    if (error.data()->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) throw;
    error.Free();
    return false;
  }
  return true;
}

void AdvisorySlot::Release() {
  const LOCKTAG* tag = &tag_;
  Call([=] { LockRelease(tag, ExclusiveLock, false); });
}

}  // namespace latchkey::pg
