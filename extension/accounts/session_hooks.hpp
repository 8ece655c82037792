// How accounts ends a user's sessions without knowing the module above it, which holds them.
#pragma once

#include <optional>

#include "extension/core/uuid.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

struct SessionHooks {
  // Ends all sessions of the user but `keep`.
  void (*end)(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& keep, const char* reason);
  // Deletes every trace of the user's sessions.
  void (*erase)(pg::Spi& spi, const Uuid& user_id);
};

inline SessionHooks session_hooks;  // set by _PG_init to the sessions module's functions

}  // namespace latchkey::accounts
