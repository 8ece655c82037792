// Whether any connection is there for a thing, kept in the server's lock manager: it costs no
// write, a crash ends it, and looking waits for nobody.
#pragma once

#include "extension/pg/fence.hpp"

extern "C" {
#include "storage/lock.h"
}

namespace latchkey::pg {

class Presence {
 public:
  explicit Presence(uint64_t key);

  // This connection is there, until Leave() or its end, whatever becomes of the transaction.
  void Enter();
  void Leave();
  // Whether somebody is. At the moment when somebody enters or leaves it may say yes wrongly.
  bool IsAnybodyThere();

 private:
  LOCKTAG tag_;
};

}  // namespace latchkey::pg
