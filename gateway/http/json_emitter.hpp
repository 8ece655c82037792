// Writes JSON text from the events of a parser, and refuses what our bodies must not have.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

// Compact JSON, built event by event. Commas and colons come by themselves. A member that stands
// twice in an object, a string with U+0000 and too deep a nesting make it broken(), with a reason.
class JsonEmitter {
 public:
  void BeginObject();
  void EndObject();
  void BeginArray();
  void EndArray();
  void Key(std::string_view key);
  void String(std::string_view value);
  void Literal(std::string_view text);  // a number, true, false or null

  size_t depth() const { return levels_.size(); }
  bool broken() const { return !reason_.empty(); }
  const std::string& reason() const { return reason_; }
  // The text so far; the emitter starts anew.
  std::string Take();

 private:
  struct Level {
    bool is_object;
    std::set<std::string, std::less<>> keys;
  };
  void BeforeValue();
  void Break(const char* reason);

  std::string text_;
  std::string reason_;
  std::vector<Level> levels_;
  bool needs_comma_ = false;
};

constexpr size_t kMaxJsonDepth = 32;

}  // namespace latchkey
