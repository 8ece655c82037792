// An object that counts its constructions and destructions: after an error they must be equal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace latchkey::fence_test {

class Tracked {
 public:
  Tracked() : payload_(200, 't') { ++constructed; }
  Tracked(const Tracked& other) : payload_(other.payload_) { ++constructed; }
  Tracked& operator=(const Tracked&) = default;
  ~Tracked() { ++destroyed; }

  static inline int64_t constructed = 0;
  static inline int64_t destroyed = 0;

 private:
  std::string payload_;  // on the heap, so that a leak is seen there too
};

// Fails in the way that `kind` names; returns when it names none.
void Fail(std::string_view kind);

// The same, below some C++ frames that hold objects with destructors.
void FailBelowFrames(std::string_view kind, int frames);

}  // namespace latchkey::fence_test
