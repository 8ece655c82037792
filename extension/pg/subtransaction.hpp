// An internal subtransaction: the only place where an error may be swallowed.
#pragma once

#include "extension/pg/fence.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace latchkey::pg {

// Usage: { Subtransaction sub; try { …; sub.Commit(); } catch (…) { sub.Rollback(); … } }
// Rollback restores memory context, user, search path, SPI level and bindings. An exception that
// passes rolls back too: whoever catches the error outside, as a block of PL/pgSQL does, undoes one
// level, its own.
class Subtransaction {
 public:
  Subtransaction() : context_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
    Call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context_);
  }
  ~Subtransaction() {
    if (!open_) return;
    try {
      Rollback();
    } catch (...) {
      // The error that is on its way ends the transaction around this one.
    }
  }
  Subtransaction(const Subtransaction&) = delete;
  Subtransaction& operator=(const Subtransaction&) = delete;
  void Commit() {
    Call([] { ReleaseCurrentSubTransaction(); });
    open_ = false;
    Restore();
  }
  void Rollback() {
    open_ = false;
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
  bool open_ = true;
};

}  // namespace latchkey::pg
