// A module for the tests alone: SQL functions that fail in every way, through the fence of the
// extension.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "extension/core/error.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/subtransaction.hpp"
#include "extension/pg/transaction_state.hpp"
#include "test/fence/tracked.hpp"

extern "C" {
#pragma GCC visibility push(default)
PG_MODULE_MAGIC;
void _PG_init(void);
#pragma GCC visibility pop

void _PG_init(void) { latchkey::pg::RegisterTransactionState(); }
}

namespace latchkey::fence_test {

namespace {

// "state|message|detail|hint"
std::string Describe(const ErrorData& error) {
  const auto text = [](const char* part) { return std::string(part ? part : ""); };
  return text(unpack_sql_state(error.sqlerrcode)) + '|' + text(error.message) + '|' +
         text(error.detail) + '|' + text(error.hint);
}

}  // namespace

// fail(kind text): raises.
LATCHKEY_FUNCTION(fence_fail, kOpen) {
  FailBelowFrames(args.Text(0, "kind"), 4);
  return args.Void();
}

// fail_secretly(secret text, kind text): raises, and the statement with the secret is not logged.
LATCHKEY_FUNCTION(fence_fail_secretly, kSecret) {
  FailBelowFrames(args.Text(1, "kind"), 1);
  return args.Void();
}

// nest(depth integer, kind text): through SQL and plpgsql to the next level, the last of which
// fails.
LATCHKEY_FUNCTION(fence_nest, kOpen) {
  static pg::Statement next("SELECT fence.relay($1, $2)");
  const auto depth = args.Get<int32_t>(0, "depth");
  const auto kind = args.Optional<std::string>(1);
  const Tracked held;
  if (depth == 0) {
    FailBelowFrames(kind.value_or(""), 2);
    return args.Void();
  }
  pg::Spi spi;
  spi.Run(next, depth - 1, kind);
  spi.Finish();
  return args.Void();
}

// swallow(kind text, times integer) → text: each failure undone by a subtransaction, the last one
// described.
LATCHKEY_FUNCTION(fence_swallow, kOpen) {
  static pg::Statement before("INSERT INTO fence.log (note) VALUES ('undone')");
  static pg::Statement after("SELECT count(*) FROM fence.log");
  const std::string kind(args.Text(0, "kind"));
  const auto times = args.Get<int32_t>(1, "times");
  std::string seen;
  pg::Spi spi;
  for (int i = 0; i < times; ++i) {
    pg::Subtransaction attempt;
    try {
      spi.Run(before);
      FailBelowFrames(kind, 2);
      attempt.Commit();
      continue;
    } catch (const pg::BackendError& error) {
      seen = Describe(*error.data());
    } catch (const Error& error) {
      seen = error.message();
    } catch (const std::exception& error) {
      seen = error.what();
    } catch (...) {
      seen = "something else";
    }
    attempt.Rollback();
    // The session outside the subtransaction is whole, and nothing is left of what was done inside.
    seen += '|' + std::to_string(spi.Run(after)[0].Get<int64_t>(1));
  }
  spi.Finish();
  return args.Return(seen);
}

// set_half(kind text) → set of (i, squared): fails when some rows have been emitted.
LATCHKEY_FUNCTION(fence_set_half, kOpen) {
  const std::string kind(args.Text(0, "kind"));
  for (int32_t i = 0; i < 100; ++i) args.EmitRow({pg::ToValue(i), pg::ToValue(i * i)});
  FailBelowFrames(kind, 1);
  return args.Void();
}

// spin(milliseconds integer): runs in C++ alone, and lets interrupts through.
LATCHKEY_FUNCTION(fence_spin, kOpen) {
  const auto limit = std::chrono::milliseconds(args.Get<int32_t>(0, "milliseconds"));
  const auto start = std::chrono::steady_clock::now();
  const Tracked held;
  while (std::chrono::steady_clock::now() - start < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pg::CheckInterrupts();
  }
  return args.Void();
}

// sleep(seconds integer): waits inside SQL, so that the interrupt comes as an error of the server.
LATCHKEY_FUNCTION(fence_sleep, kOpen) {
  static pg::Statement statement("SELECT pg_sleep($1::float8)");
  const Tracked held;
  pg::Spi spi;
  spi.Read(statement, args.Get<int32_t>(0, "seconds"));
  spi.Finish();
  return args.Void();
}

// inside() → text: who statements run as, and where names are looked up.
LATCHKEY_FUNCTION(fence_inside, kOpen) {
  static pg::Statement statement(
      "SELECT current_user || ' ' || array_to_string(current_schemas(true), ',')");
  pg::Spi spi;
  const std::string answer = spi.Read(statement)[0].Text(1);
  spi.Finish();
  return args.Return(answer);
}

// entry_is_kept() → boolean: memory for results is the caller's still when functions of ours,
// called through SQL, have returned or failed in between.
LATCHKEY_FUNCTION(fence_entry_is_kept, kOpen) {
  static pg::Statement returning("SELECT fence.bound()");
  static pg::Statement failing("SELECT fence.fail('domain')");
  const MemoryContext entry = pg::ResultContext();
  pg::Spi spi;
  spi.Read(returning);
  bool kept = pg::ResultContext() == entry;
  pg::Subtransaction attempt;
  try {
    spi.Run(failing);
    attempt.Commit();
  } catch (const pg::BackendError&) {
    attempt.Rollback();
  }
  kept = kept && pg::ResultContext() == entry;
  spi.Finish();
  return args.Return(kept && CurrentMemoryContext == entry);
}

// checked(i integer) → integer: i + 1; raises for a negative one. For parallel workers.
LATCHKEY_FUNCTION(fence_checked, kOpen) {
  const auto number = args.Get<int32_t>(0, "i");
  const Tracked held;
  if (number < 0) {
    throw Error(ErrorCode::kInvalidArgument, "negative", "It is " + std::to_string(number) + ".",
                "Give another one.");
  }
  return args.Return(number + 1);
}

// bind(request_id text), bound() → text: what lasts to the end of the (sub)transaction.
LATCHKEY_FUNCTION(fence_bind, kOpen) {
  pg::BindRequest({std::string(args.Text(0, "request_id")), {}, {}});
  return args.Void();
}
LATCHKEY_FUNCTION(fence_bound, kOpen) {
  const pg::RequestContext* bound = pg::BoundRequest();
  return bound ? args.Return(bound->request_id) : args.Null();
}

LATCHKEY_FUNCTION(fence_constructed, kOpen) { return args.Return(Tracked::constructed); }
LATCHKEY_FUNCTION(fence_alive, kOpen) {
  return args.Return(Tracked::constructed - Tracked::destroyed);
}

// heap() → bigint: bytes that malloc has given out, the server's memory contexts included.
LATCHKEY_FUNCTION(fence_heap, kOpen) {
  const struct mallinfo2 info = mallinfo2();
  return args.Return(static_cast<int64_t>(info.uordblks + info.hblkhd));
}

// resident() → bigint: bytes of this process in memory that are its own.
LATCHKEY_FUNCTION(fence_resident, kOpen) {
  long pages = 0;
  long shared = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  const bool read = file != nullptr && fscanf(file, "%*s %ld %ld", &pages, &shared) == 2;
  if (file != nullptr) fclose(file);
  if (!read) throw Error(ErrorCode::kNotConfigured, "/proc/self/statm cannot be read");
  return args.Return(int64_t{pages - shared} * sysconf(_SC_PAGESIZE));
}

}  // namespace latchkey::fence_test
