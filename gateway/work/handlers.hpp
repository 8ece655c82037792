// What the worker can do: the types of jobs that it claims, and the statement that does each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

struct JobHandler {
  const char* type;
  // Does a batch in a transaction of its own, and returns one row with one number: of rows that it
  // did. It is run again until that is 0.
  const char* step;
};

const std::vector<JobHandler>& JobHandlers();
// Null for a type that is somebody else's.
const JobHandler* FindJobHandler(std::string_view type);
// The types as a text[] literal.
std::string HandledTypes();

}  // namespace latchkey
