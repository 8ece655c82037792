// An internal subtransaction: the only place where an error may be swallowed.
#pragma once

#include "extension/pg/fence.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace latchkey::pg {

// Usage: { Subtransaction sub; try { …; sub.Commit(); } catch (…) { sub.Rollback(); … } }
// Who swallows a BackendError frees it.
// Rollback restores memory context, user, search path, SPI level and bindings.
class Subtransaction {
 public:
  Subtransaction() : context_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
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

  MemoryContext context_;
  ResourceOwner owner_;
};

}  // namespace latchkey::pg
