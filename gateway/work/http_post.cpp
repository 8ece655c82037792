// The client side of HTTP, by cpp-httplib.
#include "gateway/work/http_post.hpp"

#include <httplib.h>

#include <memory>

#include "gateway/http/public_host.hpp"
#include "gateway/version.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxAnswerBytes = 64 * 1024;  // more of it is not waited for

std::unique_ptr<httplib::ClientImpl> MakeClient(const PostRequest& request) {
  if (!request.is_https) {
    return std::make_unique<httplib::ClientImpl>(request.host, request.port);
  }
  auto client = std::make_unique<httplib::SSLClient>(request.host, request.port);
  client->enable_server_certificate_verification(true);
  client->enable_server_hostname_verification(true);
  return client;
}

std::string HostHeader(const PostRequest& request) {
  const bool is_v6 = request.host.find(':') != std::string::npos;
  std::string host = is_v6 ? "[" + request.host + "]" : request.host;
  const bool is_default = request.port == (request.is_https ? 443 : 80);
  return is_default ? host : host + ":" + std::to_string(request.port);
}

httplib::Request MakeRequest(const PostRequest& request, PostOutcome& outcome, size_t& received) {
  httplib::Request message;
  message.method = "POST";
  message.path = request.target;
  message.body = request.body;
  message.set_header("Host", HostHeader(request));
  message.set_header("User-Agent", std::string("Latchkey-Webhooks/") + kVersion);
  message.set_header("Content-Type", "application/json");
  for (const auto& [name, value] : request.headers) message.set_header(name, value);
  message.response_handler = [&outcome](const httplib::Response& response) {
    outcome.status = response.status;
    return true;
  };
  message.content_receiver = [&received](const char*, size_t size, uint64_t, uint64_t) {
    received += size;
    return received <= kMaxAnswerBytes;
  };
  return message;
}

}  // namespace

PostOutcome Post(const PostRequest& request, const AddressRanges& allowed,
                 const std::function<void(std::function<void()>)>& on_start,
                 const std::function<void()>& on_end) {
  const ResolvedHost resolved = ResolvePublicHost(request.host, allowed);
  if (resolved.address.empty()) return {0, resolved.error};
  const std::unique_ptr<httplib::ClientImpl> client = MakeClient(request);
  client->set_hostname_addr_map({{request.host, resolved.address}});
  client->set_connection_timeout(std::chrono::milliseconds(request.timeout_ms));
  client->set_read_timeout(std::chrono::milliseconds(request.timeout_ms));
  client->set_write_timeout(std::chrono::milliseconds(request.timeout_ms));
  client->set_max_timeout(static_cast<time_t>(request.timeout_ms));
  client->set_keep_alive(false);
  client->set_follow_location(false);
  client->set_decompress(false);
  client->set_path_encode(false);
  PostOutcome outcome;
  size_t received = 0;
  httplib::Request message = MakeRequest(request, outcome, received);
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  on_start([&client] { client->stop(); });
  const bool sent = client->send(message, response, error);
  on_end();
  // Of an answer that was cut off, its status counts.
  if (!sent && outcome.status == 0) outcome.error = httplib::to_string(error);
  return outcome;
}

}  // namespace latchkey
