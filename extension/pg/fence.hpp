// The fence between C++ exceptions and PostgreSQL's longjmp. Nothing crosses it unchanged:
// outside (Enter) exceptions become ereport, inside (Call) ereport becomes an exception.
#pragma once

#include <exception>

#include "extension/pg/server.hpp"

namespace latchkey::pg {

class Args;

// An error of the server on its way out. Whoever catches it rethrows it, unless an internal
// subtransaction has been rolled back (see subtransaction.hpp).
class BackendError : public std::exception {
 public:
  explicit BackendError(ErrorData* data) : data_(data) {}
  const char* what() const noexcept override { return data_->message ? data_->message : "error"; }
  ErrorData* data() const { return data_; }
  // For who swallows it: else the copy stays for as long as the caller's memory does. Nothing of it
  // may be read afterwards.
  void Free() const { FreeErrorData(data_); }

 private:
  ErrorData* data_;  // allocated in the memory context that was current when the fence was entered
};

// The server ran out of memory while its error was being copied.
class CopyFailed : public std::exception {};

enum class Secrecy {
  kOpen,
  kSecret,  // arguments hold a secret: when it raises, the statement is not logged
};

using Body = Datum (*)(Args&);

// Runs the body of an SQL function. Every destructor has run before an error is raised.
Datum Enter(FunctionCallInfo fcinfo, Body body, Secrecy secrecy);

namespace internal {
// The memory context to which caught errors are copied; it outlives the SPI session.
MemoryContext ErrorContextOfEntry();
[[noreturn]] void Throw(ErrorData* error);
ErrorData* TakeError();  // null when memory ran out
}  // namespace internal

// Runs a server function that may raise. The callable must create nothing that has a destructor, and
// returns nothing or something trivially copyable.
template <typename Function>
auto Call(Function&& function) -> decltype(function()) {
  using Result = decltype(function());
  ErrorData* volatile error = nullptr;
  volatile bool failed = false;
  if constexpr (std::is_void_v<Result>) {
    PG_TRY();
    { function(); }
    PG_CATCH();
    {
      failed = true;
      error = internal::TakeError();
    }
    PG_END_TRY();
    if (failed) internal::Throw(error);
  } else {
    static_assert(std::is_trivially_copyable_v<Result> && std::is_trivially_destructible_v<Result>);
    Result result{};
    Result* volatile target = &result;  // survives the longjmp
    PG_TRY();
    { *target = function(); }
    PG_CATCH();
    {
      failed = true;
      error = internal::TakeError();
    }
    PG_END_TRY();
    if (failed) internal::Throw(error);
    return result;
  }
}

// Lets a cancel or a shutdown through.
inline void CheckInterrupts() {
  if (INTERRUPTS_PENDING_CONDITION()) Call([] { CHECK_FOR_INTERRUPTS(); });
}

}  // namespace latchkey::pg

// Defines the entry point latchkey_NAME of the SQL function whose body follows:
//   LATCHKEY_FUNCTION(get_user, kOpen) { return …; }     with `args` as its parameter
#define LATCHKEY_FUNCTION(name, secrecy)                                                   \
  static Datum name(::latchkey::pg::Args& args);                                           \
  extern "C" {                                                                             \
  __attribute__((visibility("default"))) Datum latchkey_##name(PG_FUNCTION_ARGS);          \
  __attribute__((visibility("default"))) const Pg_finfo_record* pg_finfo_latchkey_##name(); \
  PG_FUNCTION_INFO_V1(latchkey_##name);                                                    \
  Datum latchkey_##name(PG_FUNCTION_ARGS) {                                                \
    return ::latchkey::pg::Enter(fcinfo, name, ::latchkey::pg::Secrecy::secrecy);          \
  }                                                                                        \
  }                                                                                        \
  static Datum name([[maybe_unused]] ::latchkey::pg::Args& args)
