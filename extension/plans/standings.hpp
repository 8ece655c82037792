// Changing an account's standing, and its history.
#pragma once

#include "extension/accounts/standing.hpp"

namespace latchkey::plans {

// Locks the account's row against other changes. Raises LK404 when there is none.
accounts::Standing LockStanding(pg::Spi& spi, const Uuid& account_id);

// Writes the standing, and that it holds since then. The account's row is locked.
void StoreStanding(pg::Spi& spi, const Uuid& account_id, const accounts::Standing& standing,
                   pg::Timestamp since);

// The newest version of a plan, which nobody changes before this is committed: so it is locked
// before any account. Raises LK404.
class NewestVersion {
 public:
  NewestVersion(pg::Spi& spi, std::string_view plan);

  int32_t number() const { return number_; }
  void RequireOnOffer() const;  // raises LK400
  // For an account to have it: from now on it never changes unasked. None for free, which nobody
  // pays for: its accounts have whichever is the newest.
  std::optional<int32_t> Take(pg::Spi& spi) const;

 private:
  std::string plan_;
  int32_t number_ = 1;
  bool active_ = true;
  bool subscribed_ = false;
};

// Subscribes an account: in the version of the plan that it has, else in `first_version`, or
// without one in the newest, which must be on offer (LK400). `status_since`: since when it has the
// status, when somebody else says so. Records the event when anything changes.
void Subscribe(pg::Spi& spi, const Uuid& account_id, const std::string& plan,
               const std::string& status, std::optional<int32_t> first_version = std::nullopt,
               std::optional<pg::Timestamp> status_since = std::nullopt);

// See accounts/hooks.hpp.
void SubscribeNewAccount(pg::Spi& spi, const Uuid& account_id, std::string_view plan,
                         std::string_view status);

}  // namespace latchkey::plans
