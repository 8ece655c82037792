// The head of a request (RFC 9112), parsed strictly into views of the connection's buffer.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/problem.hpp"

namespace latchkey {

constexpr size_t kMaxHeadBytes = 16 * 1024;
constexpr size_t kMaxHeaders = 64;
constexpr size_t kMaxTargetBytes = 4096;
constexpr size_t kMaxHeaderLineBytes = 8000;  // httplib refuses lines from 8,192 on

struct Header {
  std::string_view name;
  std::string_view value;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  std::string_view path;   // the target up to the question mark, still percent-encoded
  std::string_view query;  // what follows the question mark
  int minor_version = 1;   // HTTP/1.x
  std::array<Header, kMaxHeaders> headers = {};
  size_t header_count = 0;
  size_t size = 0;            // bytes of the head, with the empty line
  size_t content_length = 0;  // bytes of the body
  bool keep_alive = true;
  bool expects_continue = false;

  // The value of the first header of this name (any case); null data() when there is none.
  std::string_view Find(std::string_view name) const;
  // How many headers have this name.
  size_t Count(std::string_view name) const;
  // All lines of a header that is a list, as the one line that they stand for (RFC 9110,
  // section 5.3).
  std::string Join(std::string_view name) const;
};

bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// Looks for the end of the head from `scanned` on (which it moves forward, so that no byte is
// looked at twice). Returns the size of the head, 0 while it is incomplete, or a failure.
struct HeadScan {
  size_t size = 0;
  std::optional<Failure> failure = std::nullopt;
};
HeadScan ScanForHeadEnd(std::string_view buffer, size_t& scanned);

// Parses a complete head of `size` bytes. Everything ambiguous is refused, since a proxy in front
// may have read it in the other way (request smuggling).
std::optional<Failure> ParseRequestHead(std::string_view buffer, size_t size, RequestHead& head);

}  // namespace latchkey
