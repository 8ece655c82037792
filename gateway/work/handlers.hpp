// What the worker can do: the types of jobs that it claims, and what does each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

class HeldJob;
class Worker;
class WorkSession;

struct JobHandler {
  const char* type;
  // Does a batch in a transaction of its own, and returns one row with one number: of rows that it
  // did. It is run again until that is 0. Null: what it does is more than a statement.
  const char* step;
  // Does it then: how many rows; empty when the database has been told how it went.
  std::optional<int64_t> (Worker::*run)(WorkSession& session, HeldJob& job) = nullptr;
};

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
