// The errors that a caller can cause: one type, one table (errors.def), thrown by core and modules
// alike.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace latchkey {

enum class ErrorCode {
#define LATCHKEY_ERROR(name, sqlstate, code, http, meaning) k##name,
#include "extension/core/errors.def"
#undef LATCHKEY_ERROR
};

struct ErrorInfo {
  const char* sqlstate;
  const char* code;  // snake_case, stable: clients compare it
  int http_status;
  const char* meaning;
};

inline constexpr ErrorInfo kErrors[] = {
#define LATCHKEY_ERROR(name, sqlstate, code, http, meaning) {sqlstate, code, http, meaning},
#include "extension/core/errors.def"
#undef LATCHKEY_ERROR
};

inline constexpr const ErrorInfo& Describe(ErrorCode code) {
  return kErrors[static_cast<int>(code)];
}

// Message: lower-case, no full stop. Detail and hint: full sentences. None ever holds a secret.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message, std::string detail = {}, std::string hint = {})
      : code_(code),
        message_(std::move(message)),
        detail_(std::move(detail)),
        hint_(std::move(hint)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& detail() const { return detail_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string detail_;
  std::string hint_;
};

}  // namespace latchkey
