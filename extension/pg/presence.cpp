// Presence: who is there holds a shared lock of the session, and who looks tries for a moment to
// get one that conflicts with it, but not with that of others who look.
#include "extension/pg/presence.hpp"

extern "C" {
#include "storage/lmgr.h"
#include "storage/proc.h"
}

namespace latchkey::pg {

namespace {

constexpr uint16_t kField = 2000;  // apart from those of AdvisorySlot
constexpr LOCKMODE kThere = ShareLock;
constexpr LOCKMODE kLook = RowExclusiveLock;

bool IsHeld(const LOCKTAG* tag) {
#if PG_VERSION_NUM >= 170000
  return LockHeldByMe(tag, kThere, false);
#else
  return LockHeldByMe(tag, kThere);
#endif
}

}  // namespace

Presence::Presence(uint64_t key) {
  SET_LOCKTAG_ADVISORY(tag_, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key),
                       kField);
}

void Presence::Enter() {
  const LOCKTAG* tag = &tag_;
  Call([=] {
    if (!IsHeld(tag)) LockAcquire(tag, kThere, true, false);
  });
}

// DISCARD ALL may have taken it away already.
void Presence::Leave() {
  const LOCKTAG* tag = &tag_;
  Call([=] {
    if (IsHeld(tag)) LockRelease(tag, kThere, true);
  });
}

bool Presence::IsAnybodyThere() {
  const LOCKTAG* tag = &tag_;
  return Call([=] {
    if (LockAcquire(tag, kLook, false, true) == LOCKACQUIRE_NOT_AVAIL) return true;
    LockRelease(tag, kLook, false);
    return false;
  });
}

}  // namespace latchkey::pg
