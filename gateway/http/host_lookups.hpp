// Asking the resolver without being held up by it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace latchkey {

struct FoundAddresses {
  std::vector<std::string> addresses;  // numeric text
  std::string error;                   // empty: they were found
};

// Calling the system's resolver can't be ended, and whoever owns a name decides how long it takes.
// So each question has a thread of its own, which may hang; how many do is bounded, and those who
// ask for one host share one.
class HostLookups {
 public:
  using Resolver = std::function<FoundAddresses(const std::string& host)>;
  HostLookups(Resolver resolver, size_t most, int64_t patience_ms);

  // Waits for at most the patience. Fails at once when too many hang already.
  FoundAddresses Find(const std::string& host);

 private:
  struct State;
  const std::shared_ptr<State> state_;  // the threads' too: they may outlive this object
};

}  // namespace latchkey
