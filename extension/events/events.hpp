// The append-only event log that every module writes to.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::events {

inline constexpr Uuid kPlatform{};  // the account of events that belong to none

struct Event {
  Uuid account_id;           // whose event it is; kPlatform for none
  const char* aggregate;     // kind of thing: user, session, setting …
  std::string aggregate_id;  // which one
  const char* type;          // user.registered …: noun, dot, past participle
  // Facts as a JSON object. Never an address, a name or a secret: events are not erased with their
  // user.
  std::string data = "{}";
};

// Writes the event in the caller's transaction, with actor and the request's metadata when bound.
void Record(pg::Spi& spi, const Event& event);

// Takes the metadata (addresses, user agents) off an account's events; the facts stay.
void EraseMetadata(pg::Spi& spi, const Uuid& account_id);

}  // namespace latchkey::events
