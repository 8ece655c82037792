// Running a program and waiting for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace latchkey {

struct ChildResult {
  bool started = false;
  bool stopped = false;  // by go_on
  bool succeeded = false;
  bool cut = false;    // the output, as it was too long
  std::string output;  // what it printed
  std::string errors;  // cut where they are too long
};

// Runs command[0], looked for in PATH unless it has a slash, with these entries of the environment
// beside ours, which loses what is about databases. go_on is asked several times a second: when it
// says no, the program is killed. It is killed as well when this process dies.
ChildResult RunChild(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment,
                     const std::function<bool()>& go_on);

}  // namespace latchkey
