// Building JSON text, with its checks.
#include "gateway/http/json_emitter.hpp"

#include "gateway/http/json_text.hpp"

namespace latchkey {

void JsonEmitter::Break(const char* reason) {
  if (reason_.empty()) reason_ = reason;
}

void JsonEmitter::BeforeValue() {
  if (needs_comma_) text_ += ',';
  needs_comma_ = true;
}

void JsonEmitter::BeginObject() {
  BeforeValue();
  if (levels_.size() >= kMaxJsonDepth) Break("is nested deeper than 32 levels");
  levels_.push_back({true, {}});
  text_ += '{';
  needs_comma_ = false;
}

void JsonEmitter::EndObject() {
  levels_.pop_back();
  text_ += '}';
  needs_comma_ = true;
}

void JsonEmitter::BeginArray() {
  BeforeValue();
  if (levels_.size() >= kMaxJsonDepth) Break("is nested deeper than 32 levels");
  levels_.push_back({false, {}});
  text_ += '[';
  needs_comma_ = false;
}

void JsonEmitter::EndArray() {
  levels_.pop_back();
  text_ += ']';
  needs_comma_ = true;
}

void JsonEmitter::Key(std::string_view key) {
  BeforeValue();
  if (!levels_.back().keys.emplace(key).second) Break("has a member twice");
  if (key.find('\0') != std::string_view::npos) Break("contains the character U+0000");
  AppendJsonString(text_, key);
  text_ += ':';
  needs_comma_ = false;
}

void JsonEmitter::String(std::string_view value) {
  BeforeValue();
  if (value.find('\0') != std::string_view::npos) Break("contains the character U+0000");
  AppendJsonString(text_, value);
}

void JsonEmitter::Literal(std::string_view text) {
  BeforeValue();
  text_ += text;
}

std::string JsonEmitter::Take() {
  std::string taken = std::move(text_);
  *this = JsonEmitter{};
  return taken;
}

}  // namespace latchkey
