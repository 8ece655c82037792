// Checking slugs, and making them of names.
#include "extension/core/slug.hpp"

#include "extension/core/utf8.hpp"

namespace latchkey {

namespace {

constexpr size_t kMinSlug = 2;

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Latin letters that don't decompose.
std::string_view Spell(char32_t point) {
  switch (point) {
    case U'\u00df':
      return "ss";
    case U'\u00c6':
    case U'\u00e6':
      return "ae";
    case U'\u0152':
    case U'\u0153':
      return "oe";
    case U'\u00d8':
    case U'\u00f8':
      return "o";
    case U'\u0141':
    case U'\u0142':
      return "l";
    case U'\u0110':
    case U'\u0111':
    case U'\u00d0':
    case U'\u00f0':
      return "d";
    case U'\u00de':
    case U'\u00fe':
      return "th";
    case U'\u0131':
      return "i";
    default:
      return {};
  }
}

bool IsCombining(char32_t point) { return point >= 0x0300 && point <= 0x036f; }

// An apostrophe joins: "Ann's" is anns.
bool Joins(char32_t point) { return point == U'\'' || point == U'\u2019'; }

std::string Cut(std::string slug, size_t length) {
  if (slug.size() > length) slug.resize(length);
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

}  // namespace

bool IsSlug(std::string_view text) {
  if (text.size() < kMinSlug || text.size() > kMaxSlug) return false;
  char before = '-';
  for (const char c : text) {
    if (!IsAlphanumeric(c) && (c != '-' || before == '-')) return false;
    before = c;
  }
  return before != '-';
}

std::string SlugFrom(std::string_view decomposed) {
  std::string slug;
  for (std::string_view rest = decomposed; !rest.empty();) {
    const auto point = NextCodePoint(rest);
    if (!point) return {};
    if (IsCombining(*point) || Joins(*point)) continue;
    const char32_t folded = *point >= U'A' && *point <= U'Z' ? *point + 0x20 : *point;
    if (folded < 0x80 && IsAlphanumeric(static_cast<char>(folded))) {
      slug += static_cast<char>(folded);
    } else if (const auto spelled = Spell(folded); !spelled.empty()) {
      slug += spelled;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  slug = Cut(std::move(slug), kMaxSlug);
  return slug.size() < kMinSlug ? std::string() : slug;
}

std::string NumberedSlug(std::string_view slug, int number) {
  const std::string suffix = '-' + std::to_string(number);
  return Cut(std::string(slug), kMaxSlug - suffix.size()) + suffix;
}

}  // namespace latchkey
