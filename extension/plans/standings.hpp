// Changing an account's standing, and its history.
#pragma once

#include "extension/accounts/standing.hpp"

namespace latchkey::plans {

// From a row of plan, plan_version, subscription_status, status_changed_at, trial_starts_at and
// trial_ends_at.
accounts::Standing ReadStanding(const pg::Row& row);

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

// What a payment provider says of a subscription.
struct Terms {
  std::optional<int32_t> version;             // the one that is paid for
  std::optional<pg::Timestamp> status_since;  // since when it has the status
  bool gave_access = false;                   // now, or until it ended
};

// Subscribes an account: in the version that the terms say, else in the one of the plan that it
// has, or in the newest, which must be on offer (LK400). Records the event when anything changes.
void Subscribe(pg::Spi& spi, const Uuid& account_id, const std::string& plan,
               const std::string& status, const Terms& terms = {});

// Whether the account goes on with the version that it has: not when its subscription is over.
bool KeepsVersion(const accounts::Standing& standing, std::string_view plan, pg::Timestamp now);

// See accounts/hooks.hpp.
void SubscribeNewAccount(pg::Spi& spi, const Uuid& account_id, std::string_view plan,
                         std::string_view status);

}  // namespace latchkey::plans
