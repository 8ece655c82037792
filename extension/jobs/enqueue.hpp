// Enqueuing from C++: what other modules call to have a job done.
#pragma once

#include "extension/jobs/store.hpp"

namespace latchkey::jobs {

// The given text, else the bound request's id.
std::optional<std::string> CorrelationOr(const std::optional<std::string>& given);

int32_t DefaultMaxRetries(pg::Spi& spi);

// The account of a call that enqueues, when the caller may: argument `account_index`, else the
// bound user's own or the platform's. LK403 otherwise.
Uuid RequireEnqueuer(const pg::Args& args, int account_index);

// Adds a checked job in the caller's transaction and returns its id, or the first one's that has
// its idempotency key. `id` and `now` are the new job's, which has its max_retries.
Uuid Insert(pg::Spi& spi, const Uuid& account_id, const Uuid& id, const NewJob& job,
            pg::Timestamp now);

// The same for a module that has nothing of it yet.
Uuid Enqueue(pg::Spi& spi, const Uuid& account_id, NewJob job);

// Whether a job of the account and type is waiting: one that has not begun will see whatever is
// committed now.
bool IsWaiting(pg::Spi& spi, const Uuid& account_id, std::string_view type);

// The same, and keeps that job from beginning before this transaction ends, so that it does see
// what is changed here. Whoever else wants it meanwhile finds none, and enqueues their own.
bool HoldWaiting(pg::Spi& spi, const Uuid& account_id, std::string_view type);

}  // namespace latchkey::jobs
