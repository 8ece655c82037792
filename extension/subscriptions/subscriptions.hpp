// What is known of subscriptions beside plan and status.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::subscriptions {

struct Period {
  std::optional<pg::Timestamp> starts_at, ends_at;  // both or none, in order
  std::optional<pg::Timestamp> cancel_at;
};

// Records the event. Raises LK404.
void SetPeriod(pg::Spi& spi, const Uuid& account_id, const Period& period);

// Of a trial that the payment provider gave, not of ours.
void SetProviderTrial(pg::Spi& spi, const Uuid& account_id,
                      const std::optional<pg::Timestamp>& starts_at,
                      const std::optional<pg::Timestamp>& ends_at);

// When the payment provider spoke: the latest stays.
void NoteWebhook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp at);

}  // namespace latchkey::subscriptions
