// Strict parsing of request heads: limits and everything ambiguous are refused here, before any
// other code sees a byte.
#include "gateway/http/request_head.hpp"

#include <cstring>

namespace latchkey {
namespace {

bool IsTokenCharacter(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != 0 && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr;
}

bool IsToken(std::string_view text) {
  for (unsigned char c : text) {
    if (!IsTokenCharacter(c)) return false;
  }
  return !text.empty();
}

bool IsFieldValue(std::string_view text) {
  for (unsigned char c : text) {
    if ((c < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Failure Bad(const char* detail) { return Failure{ErrorId::BadRequest, detail}; }

bool IsKnownMethod(std::string_view method) {
  for (const char* known : {"GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT"}) {
    if (method == known) return true;
  }
  return false;
}

std::optional<Failure> ParseTarget(RequestHead& head) {
  if (head.target.size() > kMaxTargetBytes) return Failure{ErrorId::UriTooLong};
  for (unsigned char c : head.target) {
    if (c <= 0x20 || c >= 0x7F || c == '#') return Bad("the request target is malformed");
  }
  const bool asterisk = head.target == "*" && head.method == "OPTIONS";
  if (!asterisk && head.target[0] != '/') {
    return Bad("the request target must be a path that starts with a slash");
  }
  const size_t mark = head.target.find('?');
  head.path = head.target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = head.target.substr(mark + 1);
  return std::nullopt;
}

std::optional<Failure> ParseRequestLine(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Bad("the request line is malformed");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(head.method) || head.target.empty()) return Bad("the request line is malformed");
  if (version.substr(0, 5) != "HTTP/" || version.size() != 8 || version[6] != '.') {
    return Bad("the request line is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Failure{ErrorId::VersionNotSupported};
  head.minor_version = version[7] - '0';
  if (!IsKnownMethod(head.method)) return Failure{ErrorId::NotImplemented};
  return ParseTarget(head);
}

std::optional<Failure> ParseHeaderLine(std::string_view line, RequestHead& head) {
  if (line.size() > kMaxHeaderLineBytes) return Failure{ErrorId::HeadersTooLarge};
  if (head.header_count == kMaxHeaders) return Failure{ErrorId::HeadersTooLarge};
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Bad("a header has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 1));
  // A folded line starts with a space and so has no valid name either.
  if (!IsToken(name)) return Bad("a header name is malformed");
  if (!IsFieldValue(value)) return Bad("a header value contains a control character");
  head.headers[head.header_count++] = Header{name, value};
  return std::nullopt;
}

std::optional<Failure> ParseContentLength(RequestHead& head) {
  const size_t count = head.Count("Content-Length");
  if (count == 0) return std::nullopt;
  if (count > 1) return Bad("Content-Length is given more than once");
  const std::string_view value = head.Find("Content-Length");
  if (value.empty()) return Bad("Content-Length is not a number");
  for (char c : value) {
    if (c < '0' || c > '9') return Bad("Content-Length is not a number");
  }
  // More digits can't be under any limit; saying so early avoids an overflow.
  if (value.size() > 15) return Failure{ErrorId::PayloadTooLarge};
  for (char c : value) {
    head.content_length = head.content_length * 10 + static_cast<size_t>(c - '0');
  }
  return std::nullopt;
}

bool HasListItem(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (EqualsIgnoringCase(Trim(list.substr(0, comma)), item)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<Failure> CheckFraming(RequestHead& head) {
  if (head.Count("Transfer-Encoding") > 0) {
    if (head.Count("Content-Length") > 0) {
      return Bad("Transfer-Encoding and Content-Length exclude each other");
    }
    const bool chunked = EqualsIgnoringCase(head.Find("Transfer-Encoding"), "chunked");
    return Failure{chunked ? ErrorId::LengthRequired : ErrorId::NotImplemented};
  }
  if (auto failure = ParseContentLength(head)) return failure;
  const std::string_view encoding = head.Find("Content-Encoding");
  if (encoding.data() && !EqualsIgnoringCase(encoding, "identity")) {
    return Failure{ErrorId::UnsupportedMediaType, "a content encoding is not accepted"};
  }
  return std::nullopt;
}

std::optional<Failure> CheckSemantics(RequestHead& head) {
  const size_t hosts = head.Count("Host");
  if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) {
    return Bad("exactly one Host header is needed");
  }
  if (auto failure = CheckFraming(head)) return failure;
  const std::string_view connection = head.Find("Connection");
  head.keep_alive = head.minor_version == 1 ? !HasListItem(connection, "close")
                                            : HasListItem(connection, "keep-alive");
  const std::string_view expect = head.Find("Expect");
  if (expect.data()) {
    if (!EqualsIgnoringCase(expect, "100-continue")) return Failure{ErrorId::ExpectationFailed};
    head.expects_continue = head.minor_version == 1;
  }
  return std::nullopt;
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (fold(a[i]) != fold(b[i])) return false;
  }
  return true;
}

std::string_view RequestHead::Find(std::string_view name) const {
  for (size_t i = 0; i < header_count; ++i) {
    if (EqualsIgnoringCase(headers[i].name, name)) return headers[i].value;
  }
  return {};
}

size_t RequestHead::Count(std::string_view name) const {
  size_t count = 0;
  for (size_t i = 0; i < header_count; ++i) {
    if (EqualsIgnoringCase(headers[i].name, name)) ++count;
  }
  return count;
}

std::string RequestHead::Join(std::string_view name) const {
  std::string joined;
  for (size_t i = 0; i < header_count; ++i) {
    if (!EqualsIgnoringCase(headers[i].name, name)) continue;
    if (!joined.empty()) joined += ',';
    joined += headers[i].value;
  }
  return joined;
}

HeadScan ScanForHeadEnd(std::string_view buffer, size_t& scanned) {
  while (scanned < buffer.size()) {
    const size_t feed = buffer.find('\n', scanned);
    if (feed == std::string_view::npos) {
      scanned = buffer.size();
      break;
    }
    scanned = feed + 1;
    // A bare line feed ends a line for some parsers and not for others.
    if (feed == 0 || buffer[feed - 1] != '\r') return {0, Bad("a line does not end with CR LF")};
    if (feed >= 3 && buffer.substr(feed - 3, 4) == "\r\n\r\n") {
      if (scanned > kMaxHeadBytes) break;
      return {scanned};
    }
  }
  // Nothing more is received once this much is there, so a full buffer must be an answer.
  if (buffer.size() >= kMaxHeadBytes) return {0, Failure{ErrorId::HeadersTooLarge}};
  return {};
}

std::optional<Failure> ParseRequestHead(std::string_view buffer, size_t size, RequestHead& head) {
  head.size = size;
  std::string_view rest = buffer.substr(0, size - 2);  // without the empty line
  bool first = true;
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    auto failure = first ? ParseRequestLine(line, head) : ParseHeaderLine(line, head);
    if (failure) return failure;
    first = false;
  }
  return CheckSemantics(head);
}

}  // namespace latchkey
