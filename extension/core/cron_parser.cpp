// Cron expressions: reading them, and saying what is wrong with them.
#include <array>
#include <vector>

#include "extension/core/cron.hpp"
#include "extension/core/error.hpp"

namespace latchkey {

namespace {

struct Field {
  const char* name;
  int least;
  int most;
  const char* names;  // of three letters each, from `least` on
};

constexpr Field kSecond{"second", 0, 59, ""};
constexpr Field kMinute{"minute", 0, 59, ""};
constexpr Field kHourField{"hour", 0, 23, ""};
constexpr Field kDayOfMonth{"day of month", 1, 31, ""};
constexpr Field kMonth{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"};
constexpr Field kDayOfWeek{"day of week", 0, 7, "sunmontuewedthufrisat"};

constexpr size_t kMaxLength = 200;

[[noreturn]] void Refuse(const std::string& detail) {
  throw Error(ErrorCode::kInvalidArgument, "the cron expression is wrong", detail,
              "Five fields: minute, hour, day of month, month, day of week; or @hourly, @daily …");
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find_first_of(separators, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

class FieldParser {
 public:
  FieldParser(const Field& field, std::string_view text) : field_(field), text_(text) {}

  uint64_t Parse() const {
    uint64_t set = 0;
    for (const std::string_view part : Split(text_, ",")) set |= ParsePart(part);
    return set;
  }

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    Refuse("The " + std::string(field_.name) + " \"" + std::string(text_) + "\" " + why + '.');
  }

  // RANGE, RANGE/STEP, where a range is *, A or A-B. A/STEP goes on to the end.
  uint64_t ParsePart(std::string_view part) const {
    const auto slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    const bool has_step = slash != std::string_view::npos;
    const int step = has_step ? ParseNumber(part.substr(slash + 1)) : 1;
    if (step < 1) Fail("has a step below 1");
    int first = field_.least;
    int last = field_.most;
    if (range != "*") {
      const auto dash = range.find('-');
      first = ParseValue(range.substr(0, dash));
      if (dash != std::string_view::npos) {
        last = ParseValue(range.substr(dash + 1));
      } else if (!has_step) {
        last = first;
      }
      if (first > last) Fail("has a range that ends before it begins");
    }
    uint64_t set = 0;
    for (int value = first; value <= last; value += step) set |= uint64_t{1} << value;
    return set;
  }

  int ParseValue(std::string_view text) const {
    const std::string_view names(field_.names);
    if (text.size() == 3) {
      std::string lower;
      for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      for (size_t i = 0; i * 3 < names.size(); ++i) {
        if (names.substr(i * 3, 3) == lower) return field_.least + static_cast<int>(i);
      }
    }
    const int value = ParseNumber(text);
    if (value < field_.least || value > field_.most) {
      Fail("is not from " + std::to_string(field_.least) + " to " + std::to_string(field_.most));
    }
    return value;
  }

  int ParseNumber(std::string_view text) const {
    if (text.empty() || text.size() > 3) Fail("is not understood");
    int value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') Fail("is not understood");
      value = value * 10 + (c - '0');
    }
    return value;
  }

  const Field& field_;
  std::string_view text_;
};

uint64_t ParseField(const Field& field, std::string_view text) {
  return FieldParser(field, text).Parse();
}

std::string_view Expand(std::string_view expression) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNicknames{
      {{"@yearly", "0 0 1 1 *"},
       {"@annually", "0 0 1 1 *"},
       {"@monthly", "0 0 1 * *"},
       {"@weekly", "0 0 * * 0"},
       {"@daily", "0 0 * * *"},
       {"@midnight", "0 0 * * *"},
       {"@hourly", "0 * * * *"}}};
  for (const auto& [name, fields] : kNicknames) {
    if (expression == name) return fields;
  }
  Refuse("There is no \"" + std::string(expression) + "\".");
}

}  // namespace

Cron Cron::Parse(std::string_view expression) {
  if (expression.size() > kMaxLength) Refuse("It is longer than 200 characters.");
  std::vector<std::string_view> fields;
  for (const std::string_view field : Split(expression, " \t")) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() == 1 && fields[0][0] == '@') return Parse(Expand(fields[0]));
  if (fields.size() != 5 && fields.size() != 6) {
    Refuse("It has " + std::to_string(fields.size()) + " fields.");
  }
  Cron cron;
  if (fields.size() == 6) {
    cron.seconds_ = ParseField(kSecond, fields[0]);
    fields.erase(fields.begin());
  }
  cron.minutes_ = ParseField(kMinute, fields[0]);
  cron.hours_ = ParseField(kHourField, fields[1]);
  cron.days_ = ParseField(kDayOfMonth, fields[2]);
  cron.months_ = ParseField(kMonth, fields[3]);
  cron.weekdays_ = ParseField(kDayOfWeek, fields[4]);
  cron.weekdays_ |= cron.weekdays_ >> 7 & 1;  // 7 is Sunday too
  cron.every_hour_ = fields[1][0] == '*';
  cron.any_day_ = fields[2][0] == '*';
  cron.any_weekday_ = fields[4][0] == '*';
  if (cron.NextAfter(0) == INT64_MAX) Refuse("No such day ever comes.");
  return cron;
}

}  // namespace latchkey
