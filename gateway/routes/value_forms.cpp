// Checking the forms of values.
#include "gateway/routes/value_forms.hpp"

namespace latchkey {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (hyphen ? c != '-' : !hex) return false;
  }
  return true;
}

// In the pattern 0 stands for any digit.
bool TakeForm(std::string_view& text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '0' ? !IsDigit(text[i]) : text[i] != pattern[i]) return false;
  }
  text.remove_prefix(pattern.size());
  return true;
}

// RFC 3339, section 5.6. Whether there is such a day, the database knows.
bool IsTimestamp(std::string_view text) {
  if (!TakeForm(text, "0000-00-00T00:00:00")) return false;
  if (TakeForm(text, ".0")) {
    while (TakeForm(text, "0")) continue;
  }
  return text == "Z" || ((TakeForm(text, "+00:00") || TakeForm(text, "-00:00")) && text.empty());
}

}  // namespace

std::string WrongForm(Type type, std::string_view text) {
  if (type == Type::kUuid && !IsUuid(text)) return "must be a UUID";
  if (type == Type::kTimestamp && !IsTimestamp(text)) {
    return "must be a date and time with its zone, as 2030-12-31T23:59:59Z";
  }
  return "";
}

}  // namespace latchkey
