// Typed settings of the product, in table latchkey.settings: cached per backend, right at the next
// statement after a change.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::settings {

// Handles: define one per setting where it is used. Get raises LK504 when the row is missing.
class IntegerSetting {
 public:
  constexpr explicit IntegerSetting(const char* key) : key_(key) {}
  int64_t Get(pg::Spi& spi) const;

 private:
  const char* key_;
};

class DurationSetting {
 public:
  constexpr explicit DurationSetting(const char* key) : key_(key) {}
  int64_t Micros(pg::Spi& spi) const;

 private:
  const char* key_;
};

class BooleanSetting {
 public:
  constexpr explicit BooleanSetting(const char* key) : key_(key) {}
  bool Get(pg::Spi& spi) const;

 private:
  const char* key_;
};

class TextSetting {
 public:
  constexpr explicit TextSetting(const char* key) : key_(key) {}
  std::string Get(pg::Spi& spi) const;

 private:
  const char* key_;
};

[[noreturn]] void ThrowUnknown(std::string_view key);  // LK404

}  // namespace latchkey::settings
