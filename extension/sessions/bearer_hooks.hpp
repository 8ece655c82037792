// What sessions asks of the module above it that knows the tokens of machines; set by _PG_init.
#pragma once

#include <optional>
#include <string_view>

#include "extension/pg/spi.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::sessions {

struct VerifiedService {
  pg::Identity identity;
  std::string name;
  std::optional<pg::Timestamp> expires_at;
  std::optional<pg::Timestamp> last_used_at;
};

struct BearerHooks {
  // Whether the token is a machine's, if it is anything.
  bool (*is_service_token)(std::string_view token);
  // Writes nothing. Empty for a token that is no good, whatever is wrong with it.
  std::optional<VerifiedService> (*find_service)(pg::Spi& spi, std::string_view token);
  // Keeps the time of use where it can; waits for nothing, and fails for nothing.
  void (*note_use)(pg::Spi& spi, const VerifiedService& service);
};
inline BearerHooks bearer_hooks;

}  // namespace latchkey::sessions
