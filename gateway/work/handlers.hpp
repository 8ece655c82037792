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
// Of tenants' databases: see provisioning.cpp and tenant_databases.cpp.
constexpr char kProvisionType[] = "latchkey.provision_tenant";
constexpr char kDropDatabasesType[] = "latchkey.drop_tenant_databases";
constexpr char kCheckDatabasesType[] = "latchkey.check_databases";

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
