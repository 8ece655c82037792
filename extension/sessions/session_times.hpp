// How long a session's token lives.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::sessions {

// Setting sessions.lifetime from now, but never beyond sessions.max_lifetime from the session's start.
pg::Timestamp TokenExpiry(pg::Spi& spi, pg::Timestamp session_start, pg::Timestamp now);

}  // namespace latchkey::sessions
