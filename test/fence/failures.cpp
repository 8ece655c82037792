// Every kind of failure that the fence must carry: C++ exceptions and errors of the server.
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "extension/core/error.hpp"
#include "extension/pg/spi.hpp"
#include "test/fence/tracked.hpp"

namespace latchkey::fence_test {

namespace {

std::string Repeat(const char* text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

void RaiseInServer() {
  pg::Call([] {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('L', 'K', '9', '9', '9')), errmsg("raised by the server"),
                    errdetail("The detail of the server."), errhint("The hint of the server.")));
  });
}

void DivideByZero() {
  static pg::Statement statement("SELECT 1 / $1");
  pg::Spi spi;
  const Tracked held;
  spi.Read(statement, int32_t{0});
  spi.Finish();
}

void ViolateKey() {
  static pg::Statement statement("INSERT INTO fence.things (id) VALUES (1)");
  pg::Spi spi;
  const Tracked held;
  spi.Run(statement);
  spi.Finish();
}

void RaiseInPlpgsql() {
  static pg::Statement statement("SELECT fence.raise()");
  pg::Spi spi;
  const Tracked held;
  spi.Run(statement);
  spi.Finish();
}

// Another function of ours has come and gone in between: its entry must not be taken for ours.
void RaiseAfterNestedCall() {
  static pg::Statement nested("SELECT fence.bound()");
  pg::Spi spi;
  spi.Read(nested);
  spi.Finish();
  RaiseInServer();
}

void ThrowWithinSession() {
  pg::Spi spi;
  const Tracked held;
  throw Error(ErrorCode::kForbidden, "thrown within a session");
}

// As when a client asks for it: the flags are what the signal handler sets.
void Cancel() {
  QueryCancelPending = true;
  InterruptPending = true;
  pg::CheckInterrupts();
}

// An administrator ends the backend: the error is FATAL, and no handler sees it.
void Terminate() {
  ProcDiePending = true;
  InterruptPending = true;
  pg::CheckInterrupts();
}

[[noreturn]] void ThrowDomain(std::string_view kind) {
  if (kind == "domain") {
    throw Error(ErrorCode::kNotFound, "nothing here: 100 %s", "The detail has %d of it.",
                "The hint, too: %n.");
  }
  if (kind == "domain_bare") throw Error(ErrorCode::kTooBusy, "only a message");
  const std::string text = Repeat("\xc3\xa4", 600);
  throw Error(ErrorCode::kInvalidArgument, text, 'x' + text, "xx" + text);
}

}  // namespace

void Fail(std::string_view kind) {
  if (kind.substr(0, 6) == "domain") ThrowDomain(kind);
  if (kind == "within_session") ThrowWithinSession();
  if (kind == "bad_alloc") throw std::bad_alloc();
  if (kind == "huge_new") {
    volatile size_t size = size_t{1} << 60;
    const auto memory = std::make_unique<char[]>(size);
    memory[0] = 1;
  }
  if (kind == "exception") throw std::runtime_error("a plain exception: %s");
  if (kind == "number") throw 42;
  if (kind == "server") RaiseInServer();
  if (kind == "huge_palloc") pg::Call([] { palloc(MaxAllocSize + 1); });
  if (kind == "out_of_memory") {
    pg::Call([] { MemoryContextAllocHuge(CurrentMemoryContext, Size{1} << 60); });
  }
  if (kind == "after_nested") RaiseAfterNestedCall();
  if (kind == "division") DivideByZero();
  if (kind == "unique") ViolateKey();
  if (kind == "plpgsql") RaiseInPlpgsql();
  if (kind == "cancel") Cancel();
  if (kind == "terminate") Terminate();
}

void FailBelowFrames(std::string_view kind, int frames) {
  const std::vector<Tracked> several(3);
  const auto owned = std::make_unique<Tracked>();
  if (frames > 0) {
    FailBelowFrames(kind, frames - 1);
  } else {
    const Tracked last;
    Fail(kind);
  }
}

}  // namespace latchkey::fence_test
