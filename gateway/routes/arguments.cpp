// Arguments from the path, the query, the headers and the body.
#include "gateway/routes/arguments.hpp"

#include "gateway/http/json_text.hpp"
#include "gateway/routes/idempotency_key.hpp"
#include "gateway/routes/json_body.hpp"
#include "gateway/routes/router.hpp"
#include "gateway/routes/value_forms.hpp"

namespace latchkey {
namespace {

bool IsTokenText(std::string_view text) {
  for (char c : text) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && c != '-' && c != '_' && c != '.' && c != '~' && c != '+' && c != '/' &&
        c != '=') {
      return false;
    }
  }
  return !text.empty() && text.size() <= kMaxToken;
}

Failure Invalid(const Argument& argument, const std::string& what) {
  const char* kind =
      argument.source == Source::kPath ? "the path parameter \"" : "the query parameter \"";
  return Failure{ErrorId::InvalidArgument, kind + std::string(argument.name) + "\" " + what};
}

// Checks a decoded value from the path or the query, and stores it.
std::optional<Failure> Store(const Argument& argument, std::string text, Parameter& value) {
  const std::string wrong = WrongForm(argument.type, text);
  if (!wrong.empty()) return Invalid(argument, wrong);
  if (argument.type == Type::kInteger) {
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    const bool fits = digits && !text.empty() && text.size() <= 9;
    if (!fits || std::stoul(text) < 1 || std::stoul(text) > argument.max_length) {
      return Invalid(argument, "must be from 1 to " + std::to_string(argument.max_length));
    }
  } else if (CountCharacters(text) > argument.max_length) {
    return Invalid(argument,
                   "is longer than " + std::to_string(argument.max_length) + " characters");
  }
  value = std::move(text);
  return std::nullopt;
}

std::optional<Failure> FromPath(const Route& route, const Argument& argument, std::string_view path,
                                Parameter& value) {
  auto text = DecodePercent(PathValue(route.path, path, argument.name), false);
  if (!text) return Invalid(argument, "is malformed");
  return Store(argument, std::move(*text), value);
}

std::optional<Failure> FromQuery(const Argument& argument, std::string_view query,
                                 Parameter& value) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) != argument.name) continue;
    if (value) return Invalid(argument, "is given twice");
    auto text = DecodePercent(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!text) return Invalid(argument, "is malformed");
    if (auto failure = Store(argument, std::move(*text), value)) return failure;
  }
  return std::nullopt;
}

std::optional<Failure> CheckMediaType(const RequestHead& head) {
  std::string_view type = head.Find("Content-Type");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  if (EqualsIgnoringCase(type, "application/json")) return std::nullopt;
  return Failure{ErrorId::UnsupportedMediaType};
}

bool IsRaw(const Route& route) {
  for (const Argument& argument : route.arguments) {
    if (argument.source == Source::kRawBody) return true;
  }
  return false;
}

// A text parameter ends at U+0000, which no signed document of ours has.
std::optional<Failure> FromRawBody(std::string_view body, Parameter& value) {
  if (body.empty() || body.find('\0') != std::string::npos) {
    return Failure{ErrorId::InvalidArgument, "the body is empty, or contains the character U+0000"};
  }
  value = std::string(body);
  return std::nullopt;
}

std::optional<Failure> FromHeader(const RequestHead& head, const Argument& argument,
                                  Parameter& value) {
  const std::string_view text = head.Find(argument.name);
  if (head.Count(argument.name) != 1 || text.empty() || text.size() > argument.max_length) {
    return Failure{ErrorId::InvalidArgument, "the header " + std::string(argument.name) +
                                                 " is missing, given twice or too long"};
  }
  value = std::string(text);
  return std::nullopt;
}

}  // namespace

Bearer ReadBearer(const RequestHead& head) {
  const size_t count = head.Count("Authorization");
  const std::string_view value = head.Find("Authorization");
  if (count > 1) {
    return {std::nullopt, Failure{ErrorId::BadRequest, "Authorization is given more than once"}};
  }
  if (value.size() < 7 || !EqualsIgnoringCase(value.substr(0, 7), "Bearer ")) {
    return {std::nullopt, Failure{ErrorId::InvalidToken, "No token provided"}};
  }
  std::string_view token = value.substr(7);
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  // Which of the many ways to be wrong it was is nobody's business: one answer for all.
  if (!IsTokenText(token)) return {std::nullopt, Failure{ErrorId::InvalidToken, "invalid token"}};
  return {std::string(token), std::nullopt};
}

std::optional<Failure> CollectArguments(const Route& route, const Config& config,
                                        const Request& request, const Bearer& bearer,
                                        std::vector<Parameter>& values) {
  values.assign(route.arguments.size(), std::nullopt);
  if (!IsRaw(route)) {
    if (!request.body.empty()) {
      if (auto failure = CheckMediaType(request.head)) return failure;
    }
    if (auto failure = ReadJsonBody(request.body, route.arguments, values)) return failure;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Argument& argument = route.arguments[i];
    std::optional<Failure> failure;
    switch (argument.source) {
      case Source::kBody:
        break;
      case Source::kRawBody:
        failure = FromRawBody(request.body, values[i]);
        break;
      case Source::kHeader:
        failure = FromHeader(request.head, argument, values[i]);
        break;
      case Source::kPath:
        failure = FromPath(route, argument, request.head.path, values[i]);
        break;
      case Source::kQuery:
        failure = FromQuery(argument, request.head.query, values[i]);
        break;
      case Source::kIdempotencyKey:
        failure = ReadIdempotencyKey(request.head, argument, values[i]);
        break;
      case Source::kBearer:
        values[i] = bearer.token;
        break;
      case Source::kResetLink:
        values[i] = config.public_url + config.reset_path;
        break;
      case Source::kVerifyLink:
        values[i] = config.public_url + config.verify_path;
        break;
      case Source::kInvitationLink:
        values[i] = config.public_url + config.invitation_path;
        break;
      case Source::kJoinLink:
        values[i] = config.public_url + config.join_path;
        break;
      case Source::kHost:
        values[i] = std::string(request.head.Find("Host"));
        break;
      case Source::kCaller:
        break;  // who that is the main database says
    }
    if (failure) return failure;
  }
  return std::nullopt;
}

}  // namespace latchkey
