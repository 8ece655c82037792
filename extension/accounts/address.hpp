// An e-mail address as given, and the key under which it is unique.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace latchkey::accounts {

struct Address {
  std::string text;  // in normal form C, otherwise as given: mail goes here
  std::string key;   // what user_emails is unique by
};

Address ParseAddress(std::string_view text);  // raises LK400

// For look-ups, where a malformed address is just one that nobody has.
std::optional<Address> TryParseAddress(std::string_view text);

}  // namespace latchkey::accounts
