// The HTTP server: cpp-httplib's request handling on top of our own connection loop.
#pragma once

#include <memory>

#include "gateway/config.hpp"
#include "gateway/http/client_address.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/metrics.hpp"

namespace latchkey {

class HttpEngine;  // derived from httplib::Server; hidden, since that header is slow to compile

// Serves the application: request ids, security and CORS headers, the access log, metrics.
class Server : public RequestHandler {
 public:
  Server(const Config& config, Application& application, Metrics& metrics);
  ~Server() override;

  // Returns an error text, empty on success.
  std::string Prepare();

  Admission Inspect(const RequestHead& head) override;
  StreamPtr Serve(const RequestHead& head, std::string_view body, const Arrival& arrival,
                  bool close, std::string& out) override;
  void Refuse(const RequestHead* head, const Arrival& arrival, const Failure& failure, bool close,
              std::string& out) override;

 private:
  void Answer(const Request& request, Response& response);
  void AddCors(const RequestHead* head, Response& response) const;
  void Account(const RequestHead* head, const std::string& client_address,
               const std::string& request_id, const Response& response, size_t bytes,
               int64_t complete_us);

  const Config& config_;
  Application& application_;
  Metrics& metrics_;
  AddressRanges proxies_;
  std::unique_ptr<HttpEngine> engine_;
};

}  // namespace latchkey
