// The server side of HTTP, by cpp-httplib.
#include "gateway/http/http_engine.hpp"

#include <httplib.h>

#include <cstring>
#include <ctime>

namespace latchkey {
namespace {

// The current date in the form of RFC 9110, made once a second in each thread.
const char* HttpDate() {
  thread_local std::time_t cached_seconds = 0;
  thread_local char cached[40];
  const std::time_t now = std::time(nullptr);
  if (now != cached_seconds) {
    std::tm parts = {};
    gmtime_r(&now, &parts);
    std::strftime(cached, sizeof cached, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    cached_seconds = now;
  }
  return cached;
}

// Calls add(name, value) for every header of the response but Content-Length and Connection.
template <typename Add>
void ForEachHeader(const Response& response, std::string_view request_id, const Add& add) {
  add("Date", HttpDate());
  if (!response.body.empty()) add("Content-Type", response.content_type);
  add("X-Request-Id", std::string(request_id));
  add("Cache-Control", response.cache_control);
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  for (const auto& [name, value] : response.headers) add(name, value);
}

// A stream over memory: cpp-httplib reads the buffered request and writes into the connection's
// output. Nothing here ever blocks.
class BufferedStream : public httplib::Stream {
 public:
  BufferedStream(std::string_view head, std::string_view body, std::string& out)
      : head_(head), body_(body), out_(out) {}

  bool is_readable() const override { return true; }
  bool wait_readable() const override { return true; }
  bool wait_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    std::string_view& source = head_.empty() ? body_ : head_;
    const size_t count = std::min(size, source.size());
    std::memcpy(to, source.data(), count);
    source.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }
  time_t duration() const override { return 0; }

 private:
  std::string_view head_;
  std::string_view body_;
  std::string& out_;
};

struct Exchange {
  const Request& request;
  Response& response;
  bool close;
};

// The exchange that this thread is working on; cpp-httplib's handlers have no place for it.
thread_local Exchange* current = nullptr;

// The head as cpp-httplib shall see it. The routes read the head that our own parser checked, so it
// needs nothing but the request line and the framing; what it would act upon by itself (Range,
// Expect, Upgrade, Accept, decoding of values) is left out. The query is too: the routes have it.
std::string ReducedHead(const RequestHead& head) {
  std::string out;
  out.reserve(64 + head.path.size());
  out.append(head.method).append(" ").append(head.path).append(" HTTP/1.1\r\n");
  if (head.method != "GET" && head.method != "HEAD") {
    out += "Content-Length: " + std::to_string(head.content_length) + "\r\n";
  }
  return out += "\r\n";
}

}  // namespace

class HttpEngine::Impl : public httplib::Server {
 public:
  explicit Impl(HttpEngine::Handler handler) : handler_(std::move(handler)) {
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& out) {
      handler_(current->request, current->response);
      CopyTo(out);
      return HandlerResponse::Handled;
    });
    // Should cpp-httplib refuse what our parser let pass, it is still a problem document.
    set_error_handler([](const httplib::Request&, httplib::Response& out) {
      if (!out.body.empty() || current->response.status == out.status) return;
      Fail(current->response, Failure{ErrorId::BadRequest}, current->request.request_id);
      CopyTo(out);
    });
    // It closes after every error; our framing is still intact then.
    set_post_routing_handler([](const httplib::Request&, httplib::Response& out) {
      out.headers.erase("Connection");
      out.headers.erase("Keep-Alive");
      out.headers.erase("Accept-Ranges");
      if (out.status == 204) out.headers.erase("Content-Length");
      if (current->close) out.set_header("Connection", "close");
    });
  }

  void Process(Exchange& exchange, std::string& out) {
    current = &exchange;
    const RequestHead& head = exchange.request.head;
    const std::string reduced = ReducedHead(head);
    BufferedStream stream(reduced, exchange.request.body, out);
    bool closed = false;
    process_request(stream, std::string(), 0, std::string(), 0, exchange.close, closed, nullptr);
    current = nullptr;
  }

 private:
  static void CopyTo(httplib::Response& out) {
    Response& response = current->response;
    out.status = response.status;
    ForEachHeader(
        response, current->request.request_id,
        [&out](const char* name, const std::string& value) { out.headers.emplace(name, value); });
    out.body.swap(response.body);
  }

  const HttpEngine::Handler handler_;
};

HttpEngine::HttpEngine(Handler handler) : impl_(std::make_unique<Impl>(std::move(handler))) {}

HttpEngine::~HttpEngine() = default;

void HttpEngine::Process(const Request& request, Response& response, bool close, std::string& out) {
  Exchange exchange{request, response, close};
  impl_->Process(exchange, out);
}

void WriteResponse(const Response& response, std::string_view request_id, bool close,
                   bool without_body, std::string& out) {
  out += "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += httplib::status_message(response.status);
  out += "\r\n";
  ForEachHeader(response, request_id, [&out](const char* name, const std::string& value) {
    out.append(name).append(": ").append(value).append("\r\n");
  });
  // Without a length: what follows ends with the connection.
  if (!response.stream) {
    out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  if (close) out += "Connection: close\r\n";
  out += "\r\n";
  if (!without_body) out += response.body;
}

}  // namespace latchkey
