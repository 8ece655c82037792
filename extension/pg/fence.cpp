// The outer half of the fence, and the copying of errors.
#include "extension/pg/fence.hpp"

#include <cstring>
#include <new>

#include "extension/core/error.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::pg {

namespace {

MemoryContext entry_context = nullptr;

// What is left of an error when all C++ objects are gone: plain data only.
struct Failure {
  enum Kind { kNone, kBackend, kDomain, kOutOfMemory, kInternal } kind = kNone;
  ErrorData* backend = nullptr;
  int sqlstate = 0;
  char message[512];
  char detail[512];
  char hint[512];
};

// Cuts at a character's boundary: the message goes to a client that expects valid text.
void CopyText(char (&target)[512], const char* text) {
  size_t length = std::strlen(text);
  if (length >= sizeof(target)) {
    length = sizeof(target) - 1;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  }
  std::memcpy(target, text, length);
  target[length] = '\0';
}

int ParseSqlState(const char* state) {
  return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
}

void Describe(const Error& error, Failure& failure) {
  failure.kind = Failure::kDomain;
  failure.sqlstate = ParseSqlState(latchkey::Describe(error.code()).sqlstate);
  CopyText(failure.message, error.message().c_str());
  CopyText(failure.detail, error.detail().c_str());
  CopyText(failure.hint, error.hint().c_str());
}

bool Run(FunctionCallInfo fcinfo, Body body, Failure& failure, Datum& result) noexcept {
  try {
    Args args(fcinfo);
    result = body(args);
    return true;
  } catch (const BackendError& error) {
    failure.kind = Failure::kBackend;
    failure.backend = error.data();
  } catch (const Error& error) {
    Describe(error, failure);
  } catch (const CopyFailed&) {
    failure.kind = Failure::kOutOfMemory;
  } catch (const std::bad_alloc&) {
    failure.kind = Failure::kOutOfMemory;
  } catch (const std::exception& error) {
    failure.kind = Failure::kInternal;
    CopyText(failure.message, error.what());
  } catch (...) {
    failure.kind = Failure::kInternal;
    CopyText(failure.message, "unknown C++ exception");
  }
  return false;
}

[[noreturn]] void Raise(Failure& failure, bool secret) {
  if (failure.kind == Failure::kBackend) {
    failure.backend->hide_stmt |= secret;
    failure.backend->hide_ctx |= secret;
    ReThrowError(failure.backend);
  }
  if (failure.kind == Failure::kOutOfMemory) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"), errhidestmt(secret),
                    errhidecontext(secret)));
  }
  if (failure.kind == Failure::kInternal) {
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg_internal("%s", failure.message),
                    errhidestmt(secret), errhidecontext(secret)));
  }
  ereport(ERROR, (errcode(failure.sqlstate), errmsg_internal("%s", failure.message),
                  failure.detail[0] ? errdetail_internal("%s", failure.detail) : 0,
                  failure.hint[0] ? errhint("%s", failure.hint) : 0, errhidestmt(secret),
                  errhidecontext(secret)));
  pg_unreachable();
}

// Not all that is logged passes through Raise: a FATAL (a backend is terminated while it hashes)
// and a LOG (a lock is waited for long) are written where they arise, and would show the statement.
// The server asks this for each of them.
void HideStatement(void*) {
  errhidestmt(true);
  errhidecontext(true);
}

}  // namespace

Datum Enter(FunctionCallInfo fcinfo, Body body, Secrecy secrecy) {
  Failure failure;
  Datum result = 0;
  const MemoryContext context = CurrentMemoryContext;
  const MemoryContext outer_entry = entry_context;
  entry_context = context;
  ErrorContextCallback hide{error_context_stack, HideStatement, nullptr};
  if (secrecy == Secrecy::kSecret) error_context_stack = &hide;
  const bool ok = Run(fcinfo, body, failure, result);
  error_context_stack = hide.previous;
  entry_context = outer_entry;
  if (ok) return result;
  MemoryContextSwitchTo(context);
  Raise(failure, secrecy == Secrecy::kSecret);
}

namespace internal {

MemoryContext ErrorContextOfEntry() { return entry_context; }

void Throw(ErrorData* error) {
  if (error == nullptr) throw CopyFailed();
  throw BackendError(error);
}

// Copying allocates, and may itself run out of memory: hence the second guard.
ErrorData* TakeError() {
  ErrorData* volatile copy = nullptr;
  MemoryContextSwitchTo(entry_context);
  PG_TRY();
  { copy = CopyErrorData(); }
  PG_CATCH();
  { copy = nullptr; }
  PG_END_TRY();
  FlushErrorState();
  return copy;
}

}  // namespace internal

}  // namespace latchkey::pg
