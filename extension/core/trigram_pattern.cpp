// Choosing the parts of a text that a trigram index finds fast.
#include "extension/core/trigram_pattern.hpp"

#include "extension/core/utf8.hpp"

namespace latchkey {

namespace {

constexpr size_t kTrigram = 3;
constexpr size_t kEnoughTrigrams = 3;

// What pg_trgm counts as part of a word, and of other characters than ASCII all, so that a few
// edges remain.
bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::string Literal(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

// Takes the next word off `rest`; empty at its end.
std::string_view NextWord(std::string_view& rest) {
  size_t begin = 0;
  while (begin < rest.size() && !IsWordByte(rest[begin])) ++begin;
  size_t end = begin;
  while (end < rest.size() && IsWordByte(rest[end])) ++end;
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

// Empty when the words have too few trigrams.
std::string InsidesOfWords(std::string_view text) {
  std::string pattern = "%";
  size_t trigrams = 0;
  for (std::string_view word = NextWord(text); !word.empty(); word = NextWord(text)) {
    const size_t length = CountCodePoints(word).value_or(0);
    if (length < kTrigram) continue;
    trigrams += length - kTrigram + 1;
    pattern.append(word).append("%");
  }
  return trigrams < kEnoughTrigrams ? std::string() : pattern;
}

}  // namespace

std::string TrigramPattern(std::string_view text) {
  std::string pattern = InsidesOfWords(text.substr(0, text.find('@')));
  if (pattern.empty()) pattern = InsidesOfWords(text);
  return pattern.empty() ? Literal(text) : pattern;
}

}  // namespace latchkey
