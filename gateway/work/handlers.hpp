// What the worker can do: the types of jobs that it claims, and the statement that does each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

struct JobHandler {
  const char* type;
  // Does a batch in a transaction of its own, and returns one row with one number: of rows that it
  // did. It is run again until that is 0. Null: what it does is more than a statement.
  const char* step;
};

// Sends an event to an endpoint: see webhooks.hpp.
constexpr char kWebhookType[] = "latchkey.webhook";
// Looks a hostname's DNS record up: see hostnames.cpp.
constexpr char kHostnameType[] = "hostname.verify";
// Write the users of a tenant to its database, and compare them: see tenant_users.cpp.
constexpr char kSyncUsersType[] = "latchkey.sync_tenant_users";
constexpr char kCompareUsersType[] = "latchkey.compare_tenant_users";

const std::vector<JobHandler>& JobHandlers();
// Null for a type that is somebody else's.
const JobHandler* FindJobHandler(std::string_view type);
enum class JobKind {
  kAny,
  kStatement,
  kOutside,  // waits for servers of others
};
// The types of a kind as a text[] literal.
std::string HandledTypes(JobKind kind = JobKind::kAny);

}  // namespace latchkey
