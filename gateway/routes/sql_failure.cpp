// SQLSTATE and outcome to problem.
#include "gateway/routes/sql_failure.hpp"

#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

constexpr long kRetrySeconds = 1;

bool StartsWith(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

// Values that PostgreSQL itself could not take: text that is no UUID, bad UTF-8, out of range.
bool IsBadValue(const std::string& sqlstate) {
  for (const char* known :
       {"22P05", "22021", "22P02", "22007", "22008", "22015", "22023", "22003"}) {
    if (sqlstate == known) return true;
  }
  return false;
}

// The server is not there, going, full, or a standby that has not been promoted yet.
bool IsUnavailable(const std::string& sqlstate) {
  return sqlstate.empty() || StartsWith(sqlstate, "08") || StartsWith(sqlstate, "53") ||
         StartsWith(sqlstate, "57") || StartsWith(sqlstate, "40") || sqlstate == "25006";
}

Failure OwnFailure(const ErrorInfo& info, const SqlError& error) {
  Failure failure{info.id, error.message, error.hint};
  if (!error.detail.empty()) failure.detail += ". " + error.detail;
  if (info.id == ErrorId::TooBusy) failure.retry_after_seconds = kRetrySeconds;
  return failure;
}

}  // namespace

Failure FailureOf(const SqlError& error, const std::string& request_id) {
  if (const ErrorInfo* info = FindBySqlState(error.sqlstate)) return OwnFailure(*info, error);
  if (IsBadValue(error.sqlstate)) return Failure{ErrorId::InvalidArgument, "a value is malformed"};
  // DETAIL may quote rows, so even the log gets the message only.
  LogEvent("error", "database error",
           {{"request_id", request_id}, {"sqlstate", error.sqlstate}, {"message", error.message}});
  if (IsUnavailable(error.sqlstate)) return Failure{ErrorId::Unavailable, "", "", kRetrySeconds};
  return Failure{ErrorId::InternalError};
}

Failure FailureOfOutcome(const std::string& outcome, long retry_after_seconds) {
  if (outcome == "blocked") return Failure{ErrorId::Forbidden, "the user is blocked"};
  const ErrorInfo* info = FindByCode(outcome);
  if (!info) return Failure{ErrorId::InternalError};
  Failure failure{info->id};
  failure.retry_after_seconds = retry_after_seconds;
  if (info->id == ErrorId::InvalidCredentials) failure.detail = "Invalid credentials";
  if (info->id == ErrorId::EmailUnverified) {
    failure.hint = "POST /api/auth/email/resend mails another link to confirm it.";
  }
  if (info->id == ErrorId::LockedOut) {
    failure.detail = retry_after_seconds > 0 ? "too many attempts; try again in " +
                                                   std::to_string(retry_after_seconds) + " seconds"
                                             : "too many attempts; the password must be reset";
  }
  return failure;
}

}  // namespace latchkey
