// A cache by text that forgets what was not asked for lately, and never grows beyond a bound.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace latchkey {

// Two generations: what is found in the older one moves to the younger, and when that is full, the
// older one goes. So at most twice `generation` entries are kept, and the last `generation` that
// were used are among them.
template <typename Value>
class BoundedMap {
 public:
  explicit BoundedMap(size_t generation) : generation_(generation) {}

  // Until the next call of Put, Find or Clear; null when there is none.
  const Value* Find(std::string_view key) {
    std::string name(key);
    const auto young = young_.find(name);
    if (young != young_.end()) return &young->second;
    const auto old = old_.find(name);
    if (old == old_.end()) return nullptr;
    return Put(std::move(name), Value(old->second));
  }
  const Value* Put(std::string key, Value value) {
    if (young_.size() >= generation_) {
      old_.clear();
      old_.swap(young_);
    }
    return &(young_[std::move(key)] = std::move(value));
  }
  void Clear() {
    young_.clear();
    old_.clear();
  }
  size_t size() const { return young_.size() + old_.size(); }

 private:
  size_t generation_;
  std::unordered_map<std::string, Value> young_, old_;
};

}  // namespace latchkey
