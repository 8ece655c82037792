// Rules for e-mail addresses.
#include "extension/core/email.hpp"

#include <algorithm>

#include "extension/core/utf8.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxLocalBytes = 64;
constexpr size_t kMaxLabelBytes = 63;

// Controls, spaces, zero-width and direction marks: an address that looks like another one.
bool IsInvisible(char32_t c) {
  return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x34f || c == 0x61c ||
         (c >= 0x115f && c <= 0x1160) || c == 0x1680 || (c >= 0x17b4 && c <= 0x17b5) ||
         (c >= 0x180b && c <= 0x180f) || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x2800 ||
         c == 0x3000 || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || c == 0xffa0 ||
         (c >= 0xfff0 && c <= 0xffff) || (c >= 0x1bca0 && c <= 0x1bca3) ||
         (c >= 0x1d173 && c <= 0x1d17a) || c >= 0xe0000;
}

bool IsSpecial(char32_t c) {
  constexpr std::string_view kSpecials = "()<>[]:;@\\,\"";
  return c < 0x80 && kSpecials.find(static_cast<char>(c)) != std::string_view::npos;
}

bool HasEmptyPart(std::string_view dotted) {
  return dotted.empty() || dotted.front() == '.' || dotted.back() == '.' ||
         dotted.find("..") != std::string_view::npos;
}

bool IsDomain(std::string_view domain) {
  if (HasEmptyPart(domain) || domain.find('.') == std::string_view::npos) return false;
  for (size_t start = 0; start <= domain.size();) {
    const size_t end = std::min(domain.find('.', start), domain.size());
    const std::string_view label = domain.substr(start, end - start);
    if (label.size() > kMaxLabelBytes || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' ||
                           static_cast<unsigned char>(c) >= 0x80;
      if (!allowed) return false;
    }
    start = end + 1;
  }
  return true;
}

}  // namespace

std::optional<std::string> CheckEmail(std::string_view address) {
  if (address.empty()) return "email must not be empty";
  if (address.size() > kMaxEmailBytes) return "email is longer than 254 bytes";
  const size_t at = address.find('@');
  if (at == std::string_view::npos || at != address.rfind('@')) return "email must contain one @";
  const std::string_view local = address.substr(0, at);
  if (local.size() > kMaxLocalBytes) return "the part of the email before the @ is too long";
  if (HasEmptyPart(local)) return "the part of the email before the @ is malformed";
  for (std::string_view rest = address; !rest.empty();) {
    const auto point = NextCodePoint(rest);
    if (!point || IsInvisible(*point)) return "email contains a character that cannot be seen";
    if (*point != '@' && IsSpecial(*point)) return "email contains a character that is not allowed";
  }
  if (!IsDomain(address.substr(at + 1))) return "the domain of the email is malformed";
  return std::nullopt;
}

std::string EmailKey(std::string_view normalised_address) {
  std::string key(normalised_address);
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return key;
}

}  // namespace latchkey
