// An internal subtransaction: the only place where an error may be swallowed.
#pragma once

#include "extension/pg/spi.hpp"

extern "C" {
#include "utils/resowner.h"
}

namespace latchkey::pg {

// Usage: { Subtransaction sub(spi); try { …; sub.Commit(); } catch (…) { sub.Rollback(); … } }
// Who swallows a BackendError frees it. Rollback restores memory context, user, search path, SPI
// level and bindings. An exception that passes rolls back too: whoever catches the error outside,
// as a block of PL/pgSQL does, undoes one level, its own.
class Subtransaction {
 public:
  Subtransaction() { Begin(); }  // for work with sessions of its own
  // For work in a session that goes on: it is connected before, or it would end with the
  // subtransaction.
  explicit Subtransaction(Spi& spi) {
    spi.Connect();
    Begin();
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
  void Begin() {
    context_ = CurrentMemoryContext;
    owner_ = CurrentResourceOwner;
    Call([] { BeginInternalSubTransaction(nullptr); });
    MemoryContextSwitchTo(context_);
  }
  void Restore() {
    MemoryContextSwitchTo(context_);
    CurrentResourceOwner = owner_;
  }

  MemoryContext context_ = nullptr;
  ResourceOwner owner_ = nullptr;
  bool open_ = true;
};

}  // namespace latchkey::pg
