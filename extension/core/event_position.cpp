// Printing and parsing positions in the feed of events.
#include "extension/core/event_position.hpp"

#include <charconv>

namespace latchkey {

namespace {

// Digits alone: from_chars would take a sign.
template <typename T>
bool ParseNumber(std::string_view text, T& number) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::string EventPosition::ToString() const {
  return std::to_string(era) + '.' + std::to_string(xid) + '.' + id.ToString();
}

std::optional<EventPosition> ParseEventPosition(std::string_view text) {
  const size_t first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  EventPosition position;
  const auto id = ParseUuid(text.substr(second + 1));
  if (!id || !ParseNumber(text.substr(0, first), position.era) ||
      !ParseNumber(text.substr(first + 1, second - first - 1), position.xid)) {
    return std::nullopt;
  }
  position.id = *id;
  return position;
}

}  // namespace latchkey
