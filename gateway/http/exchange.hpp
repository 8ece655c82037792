// A request and its response as the routes see them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/request_head.hpp"

namespace latchkey {

struct Request {
  const RequestHead& head;
  std::string_view body;
  std::string client_address;  // behind a trusted proxy: the address that the proxy names
  std::string request_id;
};

struct Response {
  int status = 200;
  const char* content_type = "application/json";
  std::string body;
  std::vector<std::pair<const char*, std::string>> headers;
  const char* cache_control = "no-store";
  const char* error_code = "";  // for the log
  StreamPtr stream;             // what follows the body, until it ends
};

// Turns the response into a problem document.
void Fail(Response& response, const Failure& failure, std::string_view request_id);

// What the server asks of the routes.
class Application {
 public:
  virtual ~Application() = default;
  virtual Admission Inspect(const RequestHead& head) = 0;
  virtual void Handle(const Request& request, Response& response) = 0;
  // Whether the answer to such a request may go on as a stream.
  virtual bool Streams(const RequestHead& head) const = 0;
  // The index of the route for metrics, and its template for the log.
  virtual size_t RouteIndex(const RequestHead& head) const = 0;
  virtual const char* RouteTemplate(size_t index) const = 0;
};

}  // namespace latchkey
