// Deliveries: an event on its way to an endpoint, as a job.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::webhooks {

// Behind the other jobs that Latchkey needs done.
inline constexpr int32_t kPriority = 200;

// The job of a delivery; with a key, the first one of that key.
Uuid EnqueueDelivery(pg::Spi& spi, const Uuid& account_id, const Uuid& endpoint_id,
                     const Uuid& event_id, const std::optional<std::string>& key);

}  // namespace latchkey::webhooks
