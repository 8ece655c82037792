// One POST to a server that somebody else named: to public addresses alone, and for a bounded time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/address_ranges.hpp"

namespace latchkey {

struct PostRequest {
  bool is_https = true;
  std::string host;  // an IPv6 address without brackets
  int port = 443;
  std::string target;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t timeout_ms = 10000;
};

struct PostOutcome {
  int status = 0;     // of HTTP; 0: there was no answer
  std::string error;  // what went wrong, when there was none
};

// Sends to the first of the host's addresses that is public or in `allowed`: the address that is
// looked at is the one that is connected to. Follows no redirects, verifies certificates.
// `on_start` is given a function that ends the request at once, from any thread, until `on_end` is
// called.
PostOutcome Post(const PostRequest& request, const AddressRanges& allowed,
                 const std::function<void(std::function<void()>)>& on_start,
                 const std::function<void()>& on_end);

}  // namespace latchkey
