// Notifications at commit.
#include "extension/pg/notify.hpp"

#include "extension/pg/fence.hpp"

extern "C" {
#include "commands/async.h"
}

namespace latchkey::pg {

void Notify(const char* channel, const std::string& payload) {
  const char* text = payload.c_str();
  Call([=] { Async_Notify(channel, text); });
}

}  // namespace latchkey::pg
