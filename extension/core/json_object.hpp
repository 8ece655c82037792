// Writes flat JSON objects: event data, token claims. Escaping is nlohmann/json's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace latchkey {

std::string JsonString(std::string_view text);  // quoted; bytes that are not UTF-8 become U+FFFD

class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view value);
  JsonObject& Add(std::string_view key, const char* value) {
    return Add(key, std::string_view(value));
  }
  JsonObject& Add(std::string_view key, int64_t value);
  JsonObject& Add(std::string_view key, bool value);
  JsonObject& AddRaw(std::string_view key, std::string_view json);

  std::string ToString() const { return text_ + '}'; }

 private:
  std::string text_ = "{";
};

}  // namespace latchkey
