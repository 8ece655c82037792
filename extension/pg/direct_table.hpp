// One of our own tables without planner and executor: rows are found through an index, locked,
// inserted and changed by the functions that the executor calls itself, so constraints, indexes,
// WAL and visibility are as after a statement.
//
// Only for what runs at every request (see docs/architecture.md): more than a third of what a debit
// costs in a backend is planning and setting up its three statements. Where a table is more than
// an ordinary one here (triggers, rules, policies for its owner, Citus), it is not usable: callers
// keep the statement beside it.
#pragma once

#include <array>

#include "extension/pg/datum.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::pg {

// A row as it lies in the table; lives as long as the memory context at the look-up.
class StoredRow {
 public:
  template <typename T>
  T Get(int column) const {  // columns from 1
    return FromDatum<T>(values_[column - 1]);
  }
  template <typename T>
  std::optional<T> Optional(int column) const {
    if (nulls_[column - 1]) return std::nullopt;
    return Get<T>(column);
  }
  // As it is, of the column's type.
  Param As(Oid type, int column) const { return {type, values_[column - 1], nulls_[column - 1]}; }
  HeapTuple Stored() const { return tuple_; }

 private:
  friend class DirectTable;
  HeapTuple tuple_ = nullptr;
  Datum* values_ = nullptr;
  bool* nulls_ = nullptr;
};

class StoredRows {
 public:
  size_t size() const { return count_; }
  const StoredRow& operator[](size_t i) const { return rows_[i]; }

 private:
  friend class DirectTable;
  void Append(const StoredRow& row);

  StoredRow* rows_ = nullptr;
  size_t count_ = 0;
  size_t space_ = 0;
};

// A row that a walk comes by; gone with the next. Its functions raise nothing but what the server
// does, so that a visitor may call them.
class PassedRow {
 public:
  PassedRow(const Datum* values, const bool* nulls) : values_(values), nulls_(nulls) {}
  bool IsNull(int column) const { return nulls_[column - 1]; }
  // Of values that are never null, columns from 1. Not for text.
  template <typename T>
  T Get(int column) const {
    static_assert(std::is_trivially_destructible_v<T>);
    return FromDatum<T>(values_[column - 1]);
  }
  // A text's bytes.
  bool Is(int column, std::string_view text) const;
  bool Contains(int column, std::string_view text) const;

 private:
  const Datum* values_;
  const bool* nulls_;
};

class DirectTable {
 public:
  static constexpr size_t kMaxColumns = 32;
  enum Use { kRead, kInsert, kUpdate, kDelete };

  // A static. `columns`: all that the table has, in their order. `index`: Find() reads by it, and
  // it tells Insert() which rows are there already. What is read from the catalogue is kept until
  // the table changes.
  constexpr DirectTable(const char* table, const char* index,
                        std::initializer_list<const char*> columns)
      : table_(table), index_name_(index) {
    for (const char* column : columns) names_[count_++] = column;
  }
  DirectTable(const DirectTable&) = delete;
  DirectTable& operator=(const DirectTable&) = delete;

  // Ask in each call: a transaction may be read only, and a table may get triggers.
  bool IsUsable(Use use);

  // The rows whose index entries begin with the key, by a snapshot of now at every isolation level.
  StoredRows Find(const Uuid& key, const Uuid* second = nullptr);

  // Which of the keys (`key`, one of `seconds`) rows are there for, by such a snapshot each.
  std::vector<bool> AreThere(const Uuid& key, const std::vector<Param>& seconds);

  // Along the index downwards, from its end or below a value of its first column, as the calling
  // statement sees the table, until `visit(row)` returns false. The visitor must create nothing
  // that has a destructor, and throw nothing. Returns how many rows the table has, about.
  template <typename Visitor>
  int64_t WalkDown(const Uuid* below, Visitor& visit) {
    return Walk(
        below,
        [](void* visitor, const PassedRow& row) { return (*static_cast<Visitor*>(visitor))(row); },
        &visit);
  }

  // FOR NO KEY UPDATE SKIP LOCKED. False: somebody else has it, or has changed it since the
  // look-up.
  bool Lock(HeapTuple row);

  // A row of all columns.
  void Insert(std::initializer_list<Param> values);
  // False, and nothing is written, when a row with its key in the index is there; waits for who is
  // just writing one (INSERT … ON CONFLICT DO NOTHING).
  bool InsertNew(const std::vector<Param>& values);

  // Rows of all columns, one after the other. False when a row with the key of one is there or is
  // just being written: the caller then raises an error, which undoes what was written before it.
  bool InsertAll(const std::vector<Param>& values);

  struct Change {
    int column;  // from 1; none of a key
    Param value;
  };
  using Changes = std::vector<Change>;
  // A row that this transaction has locked.
  void Update(HeapTuple row, const Changes& changes);
  // One that it has not. False, and nothing is written, when somebody has locked it, or has changed
  // it since the look-up.
  bool UpdateUnlocked(HeapTuple row, const Changes& changes);

  // False, and nothing is written, when somebody else has the row, or has changed it since the
  // look-up.
  bool Delete(HeapTuple row);

 private:
  static void OnRelationChanged(Datum, Oid relation);
  void Register();
  Relation Open(LOCKMODE lock);
  Relation OpenToWrite();
  void Prepare(Relation table);
  void PrepareTarget(Relation table);
  bool HasOurColumns() const;
  void OpenIndexes();
  int64_t Walk(const Uuid* below, bool (*visit)(void*, const PassedRow&), void* visitor);
  StoredRow Copy(TupleTableSlot* slot) const;
  void StoreValues(Relation table, const Param* values, TupleTableSlot* slot);
  bool InsertRow(const Param* values, size_t count, bool unless_there);
  void InsertPlain(Relation table, TupleTableSlot* slot);
  bool InsertUnlessThere(Relation table, TupleTableSlot* slot);
  bool InsertTogether(Relation table, TupleTableSlot** slots, int count);
  bool UpdateRow(HeapTuple row, const Changes& changes, bool is_locked);
  bool UpdateStored(Relation table, ItemPointer row, TupleTableSlot* slot, bool is_locked);

  const char* table_;
  const char* index_name_;
  std::array<const char*, kMaxColumns> names_{};
  int count_ = 0;
  DirectTable* next_ = nullptr;
  Oid relation_ = InvalidOid;
  uint64_t changes_ = 0;   // of the table, or whatever may be one
  uint64_t prepared_ = 0;  // what follows stands for the table after so many changes
  std::array<bool, 4> usable_{};
  MemoryContext memory_ = nullptr;  // of what follows
  TupleDesc desc_ = nullptr;
  EState* estate_ = nullptr;         // what checks and partial indexes are evaluated with
  ResultRelInfo* target_ = nullptr;  // prepared checks and indexes
  Oid index_ = InvalidOid;
  List* all_indexes_ = nullptr;
  List* arbiters_ = nullptr;  // index_ alone
  bool looks_first_ = false;  // Insert() looks for the key before it writes
};

}  // namespace latchkey::pg
