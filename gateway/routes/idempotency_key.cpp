// Reading the header Idempotency-Key: a String of RFC 8941, section 3.3.3, or the same without
// quotes, as most clients send it.
#include "gateway/routes/idempotency_key.hpp"

namespace latchkey {
namespace {

Failure Invalid(const std::string& what) {
  return Failure{ErrorId::InvalidArgument, "the header Idempotency-Key " + what};
}

// The text of a String. Parameters after it mean nothing to us, and are refused: who sends some
// expects more than they would get.
std::optional<std::string> FromQuoted(std::string_view text) {
  std::string key;
  for (size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') return i + 1 == text.size() ? std::optional(key) : std::nullopt;
    if (c == '\\') {
      if (++i == text.size()) return std::nullopt;
      c = text[i];
      if (c != '"' && c != '\\') return std::nullopt;
    }
    if (c < 0x20 || c > 0x7E) return std::nullopt;
    key += c;
  }
  return std::nullopt;  // no quote ends it
}

// A bare key has none of the characters that mean something in a structured field's syntax, so that
// what is meant as a list, or to have parameters, is not taken for a key.
std::optional<std::string> FromBare(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c > 0x7E || c == '"' || c == '\\' || c == ',' || c == ';') return std::nullopt;
  }
  return std::string(text);
}

}  // namespace

std::optional<Failure> ReadIdempotencyKey(const RequestHead& head, const Argument& argument,
                                          Parameter& value) {
  const size_t count = head.Count("Idempotency-Key");
  if (count > 1) return Invalid("is given more than once");
  if (count == 0) {
    return argument.required ? std::optional(Invalid("is missing")) : std::nullopt;
  }
  const std::string_view text = head.Find("Idempotency-Key");
  const bool quoted = !text.empty() && text.front() == '"';
  std::optional<std::string> key = quoted ? FromQuoted(text) : FromBare(text);
  if (!key) return Invalid("is malformed");
  if (key->empty()) return Invalid("must not be empty");
  if (key->size() > argument.max_length) {
    return Invalid("is longer than " + std::to_string(argument.max_length) + " characters");
  }
  value = std::move(*key);
  return std::nullopt;
}

}  // namespace latchkey
