// Normal forms through the server's unicode_normalize.
#include "extension/pg/unicode.hpp"

#include "extension/core/error.hpp"
#include "extension/core/utf8.hpp"
#include "extension/pg/fence.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "utils/formatting.h"
}

namespace latchkey::pg {

namespace {

std::string Normalise(std::string_view text, UnicodeNormalizationForm form) {
  if (IsAscii(text)) return std::string(text);
  std::vector<pg_wchar> points;
  points.reserve(text.size() + 1);
  for (std::string_view rest = text; !rest.empty();) {
    const auto point = NextCodePoint(rest);
    if (!point) throw Error(ErrorCode::kInvalidArgument, "the text is not valid UTF-8");
    points.push_back(*point);
  }
  points.push_back(0);
  const pg_wchar* input = points.data();
  const pg_wchar* normal = Call([=] { return unicode_normalize(form, input); });
  std::string result;
  for (; *normal != 0; ++normal) {
    unsigned char bytes[8];
    unicode_to_utf8(*normal, bytes);
    result.append(reinterpret_cast<char*>(bytes), static_cast<size_t>(pg_utf_mblen(bytes)));
  }
  return result;
}

}  // namespace

std::string Nfc(std::string_view text) { return Normalise(text, UNICODE_NFC); }
std::string Nfkc(std::string_view text) { return Normalise(text, UNICODE_NFKC); }
std::string Nfkd(std::string_view text) { return Normalise(text, UNICODE_NFKD); }

std::string Lower(std::string_view text) {
  const char* input = text.data();
  const size_t size = text.size();
  return Call([=] { return str_tolower(input, size, DEFAULT_COLLATION_OID); });
}

}  // namespace latchkey::pg
