// SQL from C++: prepared once per backend, run as the extension's owner, results copied out.
#pragma once

#include <initializer_list>

#include "extension/pg/datum.hpp"

namespace latchkey::pg {

// While it lives, statements run as latchkey_owner and names resolve in pg_catalog alone, whoever
// the caller is and whatever its search_path (as the server's own foreign-key triggers do). An
// error leaves both to the end of the (sub)transaction, which restores them.
class OwnerScope {
 public:
  OwnerScope();
  ~OwnerScope() = default;
  OwnerScope(const OwnerScope&) = delete;
  OwnerScope& operator=(const OwnerScope&) = delete;
  void Leave();

 private:
  Oid saved_user_ = InvalidOid;
  int saved_context_ = 0;
  int guc_level_ = 0;
};

// A statement and its plan. Define as a static; the plan is made at the first use and kept for the
// life of the backend (the server replans it when what it names changes).
class Statement {
 public:
  // kGeneric: one plan for all values, for what finds its rows by key. kCustom: a plan for the
  // values of each run, for searches whose best way depends on what is asked. kIndexed: generic,
  // and through indexes alone, for a table that is empty now and has a million rows in a minute.
  enum Planning { kGeneric, kCustom, kIndexed };

  constexpr explicit Statement(const char* sql, Planning planning = kGeneric)
      : sql_(sql), planning_(planning) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

 private:
  friend class Spi;
  const char* sql_;
  Planning planning_;
  SPIPlanPtr plan_ = nullptr;
};

// One row of the last result. Strings are copied; `View` and `Raw` live until the next statement.
class Row {
 public:
  Row(TupleDesc desc, HeapTuple tuple) : desc_(desc), tuple_(tuple) {}

  template <typename T>
  T Get(int column) const {
    bool is_null = false;
    const Datum datum = heap_getattr(tuple_, column, desc_, &is_null);
    if (is_null) ThrowNull(column);
    return FromDatum<T>(datum);
  }
  template <typename T>
  std::optional<T> Optional(int column) const {
    bool is_null = false;
    const Datum datum = heap_getattr(tuple_, column, desc_, &is_null);
    if (is_null) return std::nullopt;
    return FromDatum<T>(datum);
  }
  std::string Text(int column) const { return Get<std::string>(column); }
  bool IsNull(int column) const;
  // A value as it lies in the row: lives until the next statement's result is freed, which the end
  // of the session does.
  Raw AsIs(int column) const;
  // A value that outlives the SPI session: copied to the memory of the function's caller.
  Raw Copy(int column) const;

 private:
  [[noreturn]] static void ThrowNull(int column);

  TupleDesc desc_;
  HeapTuple tuple_;
};

class Rows {
 public:
  Rows(SPITupleTable* table, uint64_t count) : table_(table), count_(count) {}
  uint64_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Row operator[](uint64_t i) const { return {table_->tupdesc, table_->vals[i]}; }

 private:
  SPITupleTable* table_;
  uint64_t count_;
};

// An SPI session. It connects, and becomes the owner, at its first statement: a call that the
// backend's caches answer costs neither. Finish() ends it; when an exception passes, the server
// cleans up at the end of the (sub)transaction, and the destructor does nothing.
class Spi {
 public:
  enum Mode { kReadWrite, kReadOnly };

  // kReadOnly for STABLE functions: every statement then reads with the caller's snapshot.
  explicit Spi(Mode mode = kReadWrite) : mode_(mode) {}
  ~Spi() = default;
  Spi(const Spi&) = delete;
  Spi& operator=(const Spi&) = delete;

  // Runs with a new snapshot (read committed), and sees what this transaction did. affected()
  // counts the changed rows.
  template <typename... Ts>
  Rows Run(Statement& statement, const Ts&... args) {
    const Param params[] = {ToParam(args)..., Param{}};
    return Execute(statement, params, sizeof...(Ts), mode_ == kReadOnly);
  }
  // Runs with a snapshot of now at every isolation level, as the server's foreign keys do: for what
  // must not be judged by the state at the beginning of a long transaction. In a kReadOnly session
  // as Run.
  template <typename... Ts>
  Rows RunLatest(Statement& statement, const Ts&... args) {
    const Param params[] = {ToParam(args)..., Param{}};
    const bool read_only = mode_ == kReadOnly;
    return Execute(statement, params, sizeof...(Ts), read_only, !read_only);
  }
  // Reads with the snapshot of the calling statement, in either mode.
  template <typename... Ts>
  Rows Read(Statement& statement, const Ts&... args) {
    const Param params[] = {ToParam(args)..., Param{}};
    return Execute(statement, params, sizeof...(Ts), true);
  }
  // Reads what is committed when the calling statement began, also in a transaction that keeps an
  // older snapshot: with one of now there. (In parallel mode none may be taken, so there it is
  // Read.)
  template <typename... Ts>
  Rows ReadLatest(Statement& statement, const Ts&... args) {
    const Param params[] = {ToParam(args)..., Param{}};
    return Execute(statement, params, sizeof...(Ts), true, true);
  }
  uint64_t affected() const { return affected_; }

  void Connect();  // at once; statements do it by themselves
  void Finish();

 private:
  Rows Execute(Statement& statement, const Param* params, size_t count, bool read_only,
               bool latest = false);
  static void Prepare(Statement& statement, const Param* params, size_t count);

  Mode mode_;
  MemoryContext caller_ = nullptr;
  std::optional<OwnerScope> owner_;  // while connected
  uint64_t affected_ = 0;
};

// Error 25006 in a read-only transaction, and so on a standby.
void RequireWritable(const char* what);

// Whether this transaction may write a note to a table of ours that nobody asked for, without
// waiting for who has locked the table. Not in a read-only one, on a standby or in parallel mode;
// nor at SERIALIZABLE, where the note could make the caller's commit fail.
bool MayWriteAside(const char* table);

// Memory that outlives the SPI session: the context that was current when the SQL function was
// entered.
inline MemoryContext ResultContext() { return internal::ErrorContextOfEntry(); }

// While it lives, what is allocated lives as long.
class InResultContext {
 public:
  InResultContext() : previous_(MemoryContextSwitchTo(ResultContext())) {}
  ~InResultContext() { MemoryContextSwitchTo(previous_); }
  InResultContext(const InResultContext&) = delete;
  InResultContext& operator=(const InResultContext&) = delete;

 private:
  const MemoryContext previous_;
};

}  // namespace latchkey::pg
