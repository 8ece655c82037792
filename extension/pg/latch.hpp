// Waiting in a backend.
#pragma once

#include "extension/pg/fence.hpp"

extern "C" {
#include "storage/latch.h"
#include "utils/wait_event.h"
}

namespace latchkey::pg {

// Sleeps; a cancel or a shutdown ends it with the server's error.
inline void Pause(long milliseconds) {
  Call([=] {
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
              PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  });
}

}  // namespace latchkey::pg
