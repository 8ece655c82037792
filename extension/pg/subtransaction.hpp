// An internal subtransaction: the only place where an error may be swallowed.
#pragma once

#include "extension/pg/spi.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace latchkey::pg {

// Usage: { Subtransaction sub(spi); try { …; sub.Commit(); } catch (…) { sub.Rollback(); … } }
// Who swallows a BackendError frees it.
// Rollback restores memory context, user, search path, SPI level and bindings.
class Subtransaction {
 public:
  // The session is connected before, or it would end with the subtransaction.
  explicit Subtransaction(Spi& spi) {
    spi.Connect();
    context_ = CurrentMemoryContext;
    owner_ = CurrentResourceOwner;
    Call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context_);
  }
  void Commit() {
    Call([] { ReleaseCurrentSubTransaction(); });
    Restore();
  }
  void Rollback() {
    Call([] { RollbackAndReleaseCurrentSubTransaction(); });
    Restore();
  }

 private:
  void Restore() {
    MemoryContextSwitchTo(context_);
    CurrentResourceOwner = owner_;
  }

  MemoryContext context_ = nullptr;
  ResourceOwner owner_ = nullptr;
};

}  // namespace latchkey::pg
