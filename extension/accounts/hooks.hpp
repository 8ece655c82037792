// What accounts asks of the modules above it, which it can't name; set by _PG_init.
#pragma once

#include <optional>
#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

enum class PlanOffer { kUnknown, kWithdrawn, kOnOffer };

struct Hooks {
  // Ends all sessions of the user but `keep`.
  void (*end_sessions)(pg::Spi& spi, const Uuid& user_id, const std::optional<Uuid>& keep,
                       const char* reason);
  // Deletes every trace of the user's sessions.
  void (*erase_sessions)(pg::Spi& spi, const Uuid& user_id);
  // Raises LK410 when the user, whose row is locked, is the last of those that must not be missing.
  void (*check_dispensable)(pg::Spi& spi, const Uuid& user_id);
  // Deletes the user's roles.
  void (*erase_roles)(pg::Spi& spi, const Uuid& user_id);
  // Deletes where the account's events are sent.
  void (*erase_webhooks)(pg::Spi& spi, const Uuid& account_id);
  PlanOffer (*offer_of)(pg::Spi& spi, std::string_view plan);
  // Subscribes an account that was just made to a plan on offer, with a known status.
  void (*subscribe)(pg::Spi& spi, const Uuid& account_id, std::string_view plan,
                    std::string_view status);
  // After the user's address, name or status has changed.
  void (*user_changed)(pg::Spi& spi, const Uuid& user_id);
};
inline Hooks hooks;

}  // namespace latchkey::accounts
