// Slots for password hashing.
#include "extension/accounts/hash_slots.hpp"

#include "extension/core/error.hpp"
#include "extension/settings/server_settings.hpp"

namespace latchkey::accounts {

namespace {
constexpr uint64_t kHashing = 0x6c61746368'6b6579;  // "latchkey"
}

HashSlot::HashSlot() {
  const int count = settings::MaxConcurrentHashes();
  // Start at a place of our own, so that waiters spread over the slots.
  for (int i = 0; i < count; ++i) {
    const auto place = static_cast<uint16_t>((MyProcPid + i) % count);
    slot_.emplace(pg::AdvisorySlot::Reach::kServer, kHashing, place);
    if (slot_->TryAcquire()) return;
  }
  if (!slot_->AcquireWithin(settings::HashWaitMilliseconds())) {
    throw Error(ErrorCode::kTooBusy, "too many passwords are being checked", {},
                "Try again in a moment.");
  }
}

}  // namespace latchkey::accounts
