// Reading connections from JSON, and which hosts everybody may name.
#include "extension/core/connection_info.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/public_address.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxHost = 255;
constexpr size_t kMaxName = 63;  // of PostgreSQL's identifiers
constexpr size_t kMaxPassword = 1000;

[[noreturn]] void Refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "the connection " + what, {},
              "It is an object with host, port, database, user, password and sslmode.");
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string TakeText(const nlohmann::json& value, const std::string& name, size_t most) {
  if (!value.is_string()) Refuse("has a " + name + " that is no text");
  auto text = value.get<std::string>();
  if (text.size() > most || HasControl(text)) Refuse("has a malformed " + name);
  return text;
}

int TakePort(const nlohmann::json& value) {
  if (!value.is_number_integer() || value < 1 || value > 65535) Refuse("has a malformed port");
  return value.get<int>();
}

std::string TakeSslmode(const nlohmann::json& value) {
  const std::string mode = TakeText(value, "sslmode", kMaxName);
  for (const char* known : {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}) {
    if (mode == known) return mode;
  }
  Refuse("has an unknown sslmode");
}

void Take(ConnectionInfo& connection, const std::string& name, const nlohmann::json& value) {
  if (name == "host") {
    connection.host = TakeText(value, name, kMaxHost);
  } else if (name == "port") {
    connection.port = TakePort(value);
  } else if (name == "database") {
    connection.database = TakeText(value, name, kMaxName);
  } else if (name == "user") {
    connection.user = TakeText(value, name, kMaxName);
  } else if (name == "password") {
    connection.password = TakeText(value, name, kMaxPassword);
  } else if (name == "sslmode") {
    connection.sslmode = TakeSslmode(value);
  } else {
    Refuse("has an unknown member \"" + name.substr(0, kMaxName) + "\"");
  }
}

}  // namespace

std::string ConnectionInfo::ToJson() const {
  return JsonObject()
      .Add("host", host)
      .Add("port", int64_t{port})
      .Add("database", database)
      .Add("user", user)
      .Add("password", password)
      .Add("sslmode", sslmode)
      .ToString();
}

ConnectionInfo ParseConnection(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) Refuse("is no object");
  ConnectionInfo connection;
  for (const auto& [name, value] : parsed.items()) Take(connection, name, value);
  if (connection.host.empty()) Refuse("has no host");
  if (connection.database.empty()) Refuse("has no database");
  if (connection.user.empty()) Refuse("has no user");
  // libpq takes a comma for a list of hosts.
  if (connection.host.find(',') != std::string::npos) Refuse("has more than one host");
  return connection;
}

void RequirePublicHost(const ConnectionInfo& connection) {
  std::string host = connection.host;
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  while (!host.empty() && host.back() == '.') host.pop_back();
  constexpr std::string_view kLocal = "localhost";
  // inet_aton's spellings (0x7f.1, 2130706433) are addresses to a resolver: a name has a letter.
  const bool numeric = host.find_first_not_of("0123456789abcdefx.:") == std::string::npos &&
                       host.find_first_of("0123456789:") == 0;
  in_addr any{};
  const bool odd = numeric && inet_pton(AF_INET, host.c_str(), &any) != 1 &&
                   host.find(':') == std::string::npos && inet_aton(host.c_str(), &any) != 0;
  const bool local = host.size() >= kLocal.size() &&
                     host.compare(host.size() - kLocal.size(), kLocal.size(), kLocal) == 0 &&
                     (host.size() == kLocal.size() || host[host.size() - kLocal.size() - 1] == '.');
  if (host.empty() || host[0] == '/' || host[0] == '@' || local || odd ||
      !IsPublicAddress(host).value_or(true)) {
    throw Error(
        ErrorCode::kInvalidArgument, "the connection's host is not reachable for everybody",
        "Sockets, this machine and private networks are for administrators of the platform.");
  }
}

}  // namespace latchkey
