// E-mail addresses in the server.
#include "extension/accounts/address.hpp"

#include "extension/core/email.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/unicode.hpp"

namespace latchkey::accounts {

namespace {

std::optional<std::string> Parse(std::string_view text, Address& address) {
  // Composing makes text shorter, never more than three times: a bound for what is worth composing.
  if (text.size() > 3 * kMaxEmailBytes) return "email is longer than 254 bytes";
  address.text = pg::Nfc(text);
  address.key = EmailKey(address.text);
  return CheckEmail(address.text);
}

}  // namespace

Address ParseAddress(std::string_view text) {
  Address address;
  if (const auto problem = Parse(text, address)) throw Error(ErrorCode::kInvalidArgument, *problem);
  return address;
}

std::optional<Address> TryParseAddress(std::string_view text) {
  Address address;
  if (Parse(text, address)) return std::nullopt;
  return address;
}

}  // namespace latchkey::accounts
