// The command `create-admin`: makes somebody an administrator of the platform.
#include <cstdio>

#include "gateway/commands/commands.hpp"
#include "gateway/commands/terminal.hpp"
#include "gateway/db/pipeline.hpp"
#include "gateway/http/json_text.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPasswordBytes = 1024;
constexpr size_t kMaxAnswerBytes = 100;
constexpr int64_t kTimeoutMs = 60000;

const Statement kFind = {kFirstStatementId, "SELECT status FROM latchkey.find_user($1)"};
const Statement kCreate = {kFirstStatementId + 1,
                           "SELECT email FROM latchkey.create_admin($1, $2, $3)"};

struct Request {
  std::string email;
  Parameter name;
  bool promotes = false;
  std::string error;  // what is wrong with the arguments
};

Request ReadArguments(const std::vector<std::string>& arguments) {
  Request request;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--name" && i + 1 < arguments.size()) {
      request.name = arguments[++i];
    } else if (arguments[i] == "--promote") {
      request.promotes = true;
    } else if (request.email.empty() && arguments[i].rfind("--", 0) != 0) {
      request.email = arguments[i];
    } else {
      request.error = "create-admin takes one address, --name NAME and --promote";
    }
  }
  if (request.error.empty() && request.email.empty())
    request.error = "create-admin needs an address";
  if (request.error.empty() && request.promotes && request.name) {
    request.error = "--name is for a new user, --promote for one who exists";
  }
  return request;
}

int Complain(const std::string& what, int code = 1) {
  std::fprintf(stderr, "latchkey-gateway: %s\n", what.c_str());
  return code;
}

int Complain(const SqlError& error) {
  std::string text = error.message + (error.hint.empty() ? "" : ". " + error.hint);
  if (error.sqlstate == "42501") text += ". The database URL must name a role with latchkey_admin.";
  return Complain(text);
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// A new password: typed twice at a terminal, else one line.
Line AskPassword() {
  Line first = AskLine("Password: ", false, kMaxPasswordBytes);
  if (!first.text) return {std::nullopt, "no password: " + first.error};
  if (first.text->empty()) return {std::nullopt, "no password: the line is empty"};
  // The server would quote the bytes that it can't take; and text ends at a null.
  if (!IsUtf8(*first.text) || first.text->find('\0') != std::string::npos) {
    return {std::nullopt, "the password is not text in UTF-8"};
  }
  if (!InputIsTerminal()) return first;
  const Line second = AskLine("The same again: ", false, kMaxPasswordBytes);
  if (!second.text) return {std::nullopt, "no password: " + second.error};
  if (*first.text != *second.text) return {std::nullopt, "the two passwords differ"};
  return first;
}

// Whether somebody who exists shall be promoted.
bool Agrees(const std::string& email) {
  if (!InputIsTerminal()) return false;
  const Line answer = AskLine(email + " is a user already. Make them an administrator? [y/N] ",
                              true, kMaxAnswerBytes);
  return answer.text && (*answer.text == "y" || *answer.text == "yes");
}

TransactionResult Call(Pool& pool, const Statement& statement, std::vector<Parameter> values,
                       Access access) {
  TransactionOptions options;
  options.access = access;
  options.timeout_ms = kTimeoutMs;
  return RunPooled(pool, {{&statement, std::move(values)}}, options);
}

int Create(Pool& pool, const Request& request) {
  const TransactionResult found = Call(pool, kFind, {request.email}, Access::kRead);
  if (found.error) return Complain(*found.error);
  const bool exists = PQntuples(found.rows.get()) > 0;
  if (!exists && request.promotes) return Complain("there is no user with this address");
  Parameter password;
  if (exists) {
    if (!request.promotes && !Agrees(request.email)) {
      return Complain("a user with this address exists; --promote makes them an administrator");
    }
  } else {
    Line line = AskPassword();
    if (!line.text) return Complain(line.error);
    password = std::move(line.text);
  }
  const TransactionResult created =
      Call(pool, kCreate, {request.email, password, request.name}, Access::kWrite);
  if (created.error) return Complain(*created.error);
  std::printf("%s is an administrator now\n", PQgetvalue(created.rows.get(), 0, 0));
  return 0;
}

}  // namespace

int CreateAdmin(const Config& config, const std::vector<std::string>& arguments) {
  const Request request = ReadArguments(arguments);
  if (!request.error.empty()) return Complain(request.error, 2);
  if (config.database_url.empty()) return Complain("--database-url is needed", 2);
  const std::string malformed = CheckDatabaseUrl(config.database_url);
  if (!malformed.empty()) return Complain(malformed);
  Pool::Options options;
  options.connect.url = config.database_url;
  Pool pool(std::move(options));
  return Create(pool, request);
}

}  // namespace latchkey
