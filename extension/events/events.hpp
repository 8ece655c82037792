// The append-only event log that every module writes to.
#pragma once

#include "extension/core/event_position.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::events {

inline constexpr Uuid kPlatform{};  // the account of events that belong to none
inline constexpr const char* kOwnSource = "latchkey";
inline constexpr size_t kMaxCorrelation = 128;  // bytes

struct Event {
  Uuid account_id;           // whose event it is; kPlatform for none
  const char* aggregate;     // kind of thing: user, session, setting …
  std::string aggregate_id;  // which one
  const char* type;          // user.registered …: noun, dot, past participle
  // Facts as a JSON object. Never an address, a name or a secret: events are not erased with their
  // user.
  std::string data = "{}";
  // What follows is for events of applications.
  int32_t version = 1;
  const char* source = kOwnSource;
  // Beside what is bound (the request, the cause), which they replace.
  std::optional<std::string> metadata = std::nullopt;
  std::optional<std::string> correlation_id = std::nullopt;
  std::optional<Uuid> causation_id = std::nullopt;
  std::optional<std::string> idempotency_key = std::nullopt;
};

// An event's key in the table; the time leads to its partition.
struct EventKey {
  Uuid account_id;
  Uuid id;
  pg::Timestamp recorded_at;
};

// Writes the event in the caller's transaction, with actor, the request's metadata and the cause
// when they are bound.
void Record(pg::Spi& spi, const Event& event);
void Record(pg::Spi& spi, const Event& event, const EventKey& key);

// The request's metadata as a JSON object; none when no request is bound.
std::optional<std::string> BoundMetadata();

// Takes the metadata (addresses, user agents) off an account's events; the facts stay.
void EraseMetadata(pg::Spi& spi, const Uuid& account_id);

// While it lives, this backend may delete events: to move them to their month's partition.
class RemovalScope {
 public:
  RemovalScope();
  ~RemovalScope();
  RemovalScope(const RemovalScope&) = delete;
  RemovalScope& operator=(const RemovalScope&) = delete;
};

}  // namespace latchkey::events
