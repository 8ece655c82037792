// cpp-httplib behind a narrow door: requests from memory in, response bytes out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/exchange.hpp"

namespace latchkey {

// Appends a response without cpp-httplib: for requests that never get as far as that, and for
// answers that go on.
void WriteResponse(const Response& response, std::string_view request_id, bool close,
                   bool without_body, std::string& out);

// A httplib::Server whose requests come from the connection loop instead of a socket.
class HttpEngine {
 public:
  using Handler = std::function<void(const Request&, Response&)>;
  explicit HttpEngine(Handler handler);
  ~HttpEngine();

  // Has the handler fill `response`, and appends its bytes to `out`. From any thread.
  void Process(const Request& request, Response& response, bool close, std::string& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey
