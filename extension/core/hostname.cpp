// Normalising hostnames; what is not plain ASCII goes through libidn2.
#include "extension/core/hostname.hpp"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "extension/core/utf8.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxLabel = 63;
// No spelling that maps to a hostname is longer than this: a bound for what is worth mapping.
constexpr size_t kMaxInput = 4 * kMaxHostname;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLabelCharacter(char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-'; }

std::string_view WithoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const std::string_view port = host.substr(colon + 1);
  // Of "::1" the colon before stays, and is refused.
  return std::all_of(port.begin(), port.end(), IsDigit) ? host.substr(0, colon) : host;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), IsLabelCharacter);
}

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

// A last label that is a number makes an IPv4 address of it, to browsers and resolvers.
bool IsNumber(std::string_view label) {
  if (std::all_of(label.begin(), label.end(), IsDigit)) return true;
  if (label.substr(0, 2) != "0x") return false;
  return std::all_of(label.begin() + 2, label.end(), IsHexDigit);
}

bool IsHostname(std::string_view host) {
  if (host.size() > kMaxHostname) return false;
  size_t labels = 0;
  std::string_view last;
  for (std::string_view rest = host;; ++labels) {
    const size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!IsLabel(last)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return labels >= 1 && !IsNumber(last);
}

std::optional<std::string> Map(const std::string& host) {
  char* mapped = nullptr;
  const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT | IDN2_USE_STD3_ASCII_RULES;
  const int outcome = idn2_to_ascii_8z(host.c_str(), &mapped, flags);
  const std::unique_ptr<char, void (*)(void*)> owner(mapped, idn2_free);
  if (outcome != IDN2_OK) return std::nullopt;
  return std::string(mapped);
}

bool HasALabel(std::string_view host) {
  return host.substr(0, 4) == "xn--" || host.find(".xn--") != std::string_view::npos;
}

}  // namespace

std::optional<std::string> NormaliseHostname(std::string_view host) {
  host = WithoutPort(host);
  if (host.empty() || host.size() > kMaxInput) return std::nullopt;
  std::string name(host);
  if (name.find('\0') != std::string::npos) return std::nullopt;
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
  }
  if (!IsAscii(name) || HasALabel(name)) {
    auto mapped = Map(name);
    if (!mapped) return std::nullopt;
    name = *std::move(mapped);
  }
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  if (!IsHostname(name)) return std::nullopt;
  return name;
}

bool IsWithinDomain(std::string_view hostname, std::string_view domain) {
  if (hostname.size() < domain.size()) return false;
  const size_t start = hostname.size() - domain.size();
  if (hostname.substr(start) != domain) return false;
  return start == 0 || hostname[start - 1] == '.';
}

}  // namespace latchkey
