// What a failed transaction means for the client.
#pragma once

#include "gateway/db/connection.hpp"
#include "gateway/http/problem.hpp"

namespace latchkey {

// The status comes from the SQLSTATE only. Messages of our own errors (class LK) are made for
// clients and passed on; those of all others stay here, and are logged when unexpected.
Failure FailureOf(const SqlError& error, const std::string& request_id);

// The failure that an outcome other than 'ok' stands for.
Failure FailureOfOutcome(const std::string& outcome, long retry_after_seconds);

}  // namespace latchkey
