// What is bound to the current transaction, in this backend's memory alone: the authenticated
// identity, the request's metadata and the event that is being handled. No SET can forge it, and
// the next transaction never sees it.
#pragma once

#include "extension/core/uuid.hpp"
#include "extension/pg/server.hpp"

namespace latchkey::pg {

struct Identity {
  enum Kind { kUser, kService } kind = kUser;
  Uuid user_id;     // of a service account: its id
  Uuid session_id;  // of a service account: the API key's id
  // Where the identity acts: roles in other tenants then count for nothing.
  std::optional<Uuid> tenant_id;
  std::vector<std::string> permissions;  // of a service account; a user's come from their roles
};

struct RequestContext {
  std::string request_id;
  std::string client_address;  // canonical text of an inet; empty when unknown
  std::string user_agent;
};

// Binding lasts to the end of the transaction; rolling back to a savepoint restores what was bound
// at it.
void BindIdentity(const Identity& identity);
const Identity* BoundIdentity();  // null when none is bound

void BindRequest(const RequestContext& request);
const RequestContext* BoundRequest();

// The event whose handling this transaction is: what it records was caused by it.
struct Cause {
  std::optional<Uuid> event_id;
  std::string correlation_id;  // empty when unknown
};

void BindCause(const Cause& cause);
const Cause* BoundCause();

void RegisterTransactionState();  // from _PG_init

}  // namespace latchkey::pg
