// The one table of errors, and problem documents (RFC 9457) made from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace latchkey {

enum class ErrorId {
#define LATCHKEY_ERROR(Name, sqlstate, code, status, meaning) Name,
#include "extension/core/errors.def"
#include "gateway/http/gateway_errors.def"
#undef LATCHKEY_ERROR
};

struct ErrorInfo {
  ErrorId id;
  const char* sqlstate;  // empty: an error of the gateway itself
  const char* code;
  int status;
  const char* meaning;
};

// All errors, in the order of ErrorId.
const std::vector<ErrorInfo>& AllErrors();
const ErrorInfo& InfoOf(ErrorId id);

// The error with this SQLSTATE or code; null when there is none.
const ErrorInfo* FindBySqlState(std::string_view sqlstate);
const ErrorInfo* FindByCode(std::string_view code);

// One failure on its way to the client. Nothing in it may be secret.
struct Failure {
  ErrorId id = ErrorId::InternalError;
  std::string detail = {};  // empty: the meaning from the table
  std::string hint = {};
  long retry_after_seconds = 0;  // 0: no Retry-After header
};

// The problem document of a failure, as JSON text.
std::string RenderProblem(const Failure& failure, std::string_view request_id);

}  // namespace latchkey
