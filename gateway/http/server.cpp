// From a complete request to the bytes of its response: ids, common headers, log line, metrics.
#include "gateway/http/server.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "gateway/http/http_engine.hpp"
#include "gateway/http/json_text.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxLoggedUserAgentBytes = 200;
constexpr size_t kMaxLoggedPathBytes = 300;

bool IsRequestId(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (char c : text) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

// Unique is all that a request id must be: a random start for each thread, then counting.
std::string MakeRequestId() {
  thread_local uint64_t parts[2] = {0, 0};
  if (parts[0] == 0 && getrandom(parts, sizeof parts, 0) != sizeof parts) parts[0] = 1;
  ++parts[1];
  static const char hex[] = "0123456789abcdef";
  std::string id(32, '0');
  for (size_t i = 0; i < 32; ++i) id[i] = hex[parts[i / 16] >> (4 * (15 - i % 16)) & 15];
  return id;
}

std::string RequestIdOf(const RequestHead* head) {
  const std::string_view given = head ? head->Find("X-Request-Id") : std::string_view();
  return IsRequestId(given) ? std::string(given) : MakeRequestId();
}

}  // namespace

void Fail(Response& response, const Failure& failure, std::string_view request_id) {
  const ErrorInfo& info = InfoOf(failure.id);
  response.status = info.status;
  response.content_type = "application/problem+json";
  response.body = RenderProblem(failure, request_id);
  response.cache_control = "no-store";
  response.error_code = info.code;
  if (failure.retry_after_seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after_seconds));
  }
}

Server::Server(const Config& config, Application& application, Metrics& metrics)
    : config_(config),
      application_(application),
      metrics_(metrics),
      engine_(std::make_unique<HttpEngine>(
          [this](const Request& request, Response& response) { Answer(request, response); })) {}

Server::~Server() = default;

std::string Server::Prepare() { return proxies_.Parse(config_.trusted_proxies); }

Admission Server::Inspect(const RequestHead& head) { return application_.Inspect(head); }

// Without a head the origin is not known: only where all may read the answer, this one may.
void Server::AddCors(const RequestHead* head, Response& response) const {
  if (config_.cors_origins.empty()) return;
  const std::string_view origin = head ? head->Find("Origin") : std::string_view();
  response.headers.emplace_back("Vary", "Origin");
  const auto& allowed = config_.cors_origins;
  const bool any = allowed.size() == 1 && allowed[0] == "*";
  if (!origin.data() && (head || !any)) return;
  if (!any && std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(origin));
  response.headers.emplace_back("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  if (head && head->method == "OPTIONS" && head->Find("Access-Control-Request-Method").data()) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, Idempotency-Key, X-Request-Id");
    response.headers.emplace_back("Access-Control-Max-Age", "600");
  }
}

void Server::Answer(const Request& request, Response& response) {
  try {
    application_.Handle(request, response);
  } catch (const std::exception& error) {
    // what() may quote the request, so it is not logged either.
    LogEvent("error", "unexpected exception", {{"request_id", request.request_id}});
    response = Response{};
    Fail(response, Failure{ErrorId::InternalError}, request.request_id);
  }
  AddCors(&request.head, response);
}

StreamPtr Server::Serve(const RequestHead& head, std::string_view body, const Arrival& arrival,
                        bool close, std::string& out) {
  const size_t before = out.size();
  Request request{head, body,
                  ClientAddress(arrival.peer_address, head.Join("X-Forwarded-For"), proxies_),
                  RequestIdOf(&head)};
  Response response;
  if (application_.Streams(head)) {
    Answer(request, response);
    WriteResponse(response, request.request_id, close || response.stream, false, out);
  } else {
    engine_->Process(request, response, close, out);
  }
  Account(&head, request.client_address, request.request_id, response, out.size() - before,
          arrival.complete_us);
  return response.stream;
}

void Server::Refuse(const RequestHead* head, const Arrival& arrival, const Failure& failure,
                    bool close, std::string& out) {
  // Only the request line of a head that was refused half-way may be relied upon.
  const std::string request_id = RequestIdOf(head);
  const std::string client = ClientAddress(
      arrival.peer_address, head ? head->Join("X-Forwarded-For") : std::string(), proxies_);
  Response response;
  Fail(response, failure, request_id);
  AddCors(head, response);
  const size_t before = out.size();
  const bool without_body = head && head->method == "HEAD";
  WriteResponse(response, request_id, close, without_body, out);
  Account(head, client, request_id, response, out.size() - before, arrival.complete_us);
}

void Server::Account(const RequestHead* head, const std::string& client_address,
                     const std::string& request_id, const Response& response, size_t bytes,
                     int64_t complete_us) {
  const int64_t microseconds = complete_us == 0 ? 0 : MonotonicUs() - complete_us;
  const bool has_path = head && !head->path.empty();
  const size_t route = has_path ? application_.RouteIndex(*head) : metrics_.unmatched();
  metrics_.Count(route, response.status, microseconds);
  if (!config_.access_log) return;
  thread_local std::string line;
  line.clear();
  line += R"({"time":")" + TimeStamp();
  line += response.status >= 500 ? R"(","level":"error","request_id":")"
                                 : R"(","level":"info","request_id":")";
  line += request_id;
  line += R"(","method":)";
  AppendJsonString(line, has_path ? head->method : std::string_view());
  line += R"(,"route":")";
  line += route == metrics_.unmatched() ? "" : application_.RouteTemplate(route);
  line += R"(","path":)";
  AppendJsonString(line, has_path ? head->path.substr(0, kMaxLoggedPathBytes) : std::string_view());
  line += R"(,"status":)" + std::to_string(response.status);
  line += R"(,"duration_ms":)" + std::to_string(microseconds / 1000) + ".";
  const std::string fraction = std::to_string(microseconds % 1000);
  line.append(3 - fraction.size(), '0').append(fraction);
  line += R"(,"bytes":)" + std::to_string(bytes);
  line += R"(,"client":")" + client_address;
  line += R"(","user_agent":)";
  const std::string_view agent = has_path ? head->Find("User-Agent") : std::string_view();
  AppendJsonString(line, agent.substr(0, kMaxLoggedUserAgentBytes));
  if (*response.error_code) line += R"(,"error":")" + std::string(response.error_code) + "\"";
  line += "}\n";
  Log::Shared().Append(line);
}

}  // namespace latchkey
