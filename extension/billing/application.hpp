// One event of Stripe's while it is applied.
//
// Locks are taken in this order: the customer's row, the account's row in billing_accounts, its
// plan, the account, its credits; the event's own row comes last, but for a new one. Who applies
// events of many takes the customers', billing_accounts' and accounts' rows of all beforehand, in
// this order (see batches.hpp).
#pragma once

#include "extension/core/stripe_event.hpp"
#include "extension/events/events.hpp"

namespace latchkey::billing {

struct Outcome {
  const char* name = "applied";  // applied, ignored, parked
  std::optional<std::string> reason, waits_for, detail;
};

struct Application {
  pg::Spi& spi;
  const StripeEvent& event;
  Outcome outcome;
  Uuid account_id;  // of who is known
  bool has_account = false;
  std::vector<events::Event> notices;  // to be recorded when it is applied for the first time
  std::vector<std::string> appeared;   // what became known: other events may wait for it

  pg::Timestamp At() const { return pg::Timestamp::OfUnixSeconds(event.created); }
  void Park(const char* reason, std::optional<std::string> waits_for = std::nullopt) {
    outcome = {"parked", reason, std::move(waits_for), std::nullopt};
  }
  void Ignore(const char* reason) { outcome = {"ignored", reason, std::nullopt, std::nullopt}; }
  void Notice(const char* type, std::string data) {
    notices.push_back({account_id, "billing_event", event.id, type, std::move(data)});
  }
};

inline std::optional<pg::Timestamp> ToTimestamp(const UnixSeconds& seconds) {
  if (!seconds) return std::nullopt;
  return pg::Timestamp::OfUnixSeconds(*seconds);
}

}  // namespace latchkey::billing
