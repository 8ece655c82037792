// The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
#pragma once

#include <optional>

#include "gateway/db/pipeline.hpp"
#include "gateway/http/request_head.hpp"
#include "gateway/routes/route.hpp"

namespace latchkey {

// Stores the key. Fails when it is malformed or longer than the argument's max_length, given more
// than once, or missing although it is required.
std::optional<Failure> ReadIdempotencyKey(const RequestHead& head, const Argument& argument,
                                          Parameter& value);

}  // namespace latchkey
