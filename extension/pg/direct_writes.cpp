// Tables without planner and executor: inserting and changing rows.
#include <stdexcept>

#include "extension/pg/direct_table.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace latchkey::pg {

namespace {

constexpr int kRowsAtOnce = 32;

// Waits for who is writing the key.
bool NoConflict(ResultRelInfo* target, TupleTableSlot* slot, EState* estate, List* arbiters) {
  ItemPointerData conflict;
#if PG_VERSION_NUM >= 180000
  ItemPointerData none;
  ItemPointerSetInvalid(&none);
  return ExecCheckIndexConstraints(target, slot, estate, &conflict, &none, arbiters);
#else
  return ExecCheckIndexConstraints(target, slot, estate, &conflict, arbiters);
#endif
}

// `arbiters`: of these unique indexes a key that is there makes it false, of others an error.
bool InsertIndexEntries(ResultRelInfo* target, TupleTableSlot* slot, EState* estate,
                        List* arbiters) {
  bool conflict = false;
  const bool tells = arbiters != NIL;
#if PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(target, slot, estate, false, tells, &conflict, arbiters, false);
#else
  ExecInsertIndexTuples(target, slot, estate, false, tells, &conflict, arbiters);
#endif
  return !conflict;
}

}  // namespace

// ExecCloseIndices() is the counterpart.
void DirectTable::OpenIndexes() {
  for (int i = 0; i < target_->ri_NumIndices; ++i) {
    target_->ri_IndexRelationDescs[i] = index_open(list_nth_oid(all_indexes_, i), RowExclusiveLock);
  }
}

void DirectTable::StoreValues(Relation table, const Param* values, TupleTableSlot* slot) {
  for (int i = 0; i < count_; ++i) {
    if (!values[i].is_null && TupleDescAttr(desc_, i)->atttypid != values[i].type) {
      elog(ERROR, "latchkey: column %s is of another type", names_[i]);
    }
    slot->tts_values[i] = values[i].value;
    slot->tts_isnull[i] = values[i].is_null;
  }
  ExecStoreVirtualTuple(slot);
  slot->tts_tableOid = RelationGetRelid(table);
  ExecConstraints(target_, slot, estate_);
}

void DirectTable::Insert(std::initializer_list<Param> values) {
  InsertRow(values.begin(), values.size(), false);
}

bool DirectTable::InsertNew(const std::vector<Param>& values) {
  return InsertRow(values.data(), values.size(), true);
}

bool DirectTable::InsertRow(const Param* values, size_t count, bool unless_there) {
  if (count != static_cast<size_t>(count_)) throw std::length_error("a value per column");
  return Call([this, values, unless_there] {
    Relation table = OpenToWrite();
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    StoreValues(table, values, slot);
    OpenIndexes();
    bool inserted = true;
    if (unless_there) {
      inserted = InsertUnlessThere(table, slot);
    } else {
      InsertPlain(table, slot);
    }
    ExecCloseIndices(target_);
    ExecDropSingleTupleTableSlot(slot);
    table_close(table, NoLock);
    CommandCounterIncrement();
    return inserted;
  });
}

void DirectTable::InsertPlain(Relation table, TupleTableSlot* slot) {
  table_tuple_insert(table, slot, GetCurrentCommandId(true), 0, nullptr);
  InsertIndexEntries(target_, slot, estate_, NIL);
}

// As the executor does it for ON CONFLICT DO NOTHING: the row counts only once its key is in the
// index, and until then nobody waits for it longer than that takes. But the executor also looks for
// the key beforehand, which saves a dead row where it is taken. Here almost every key is new, so
// that is done only where a unique index that a DBA has added would complain about the same row.
bool DirectTable::InsertUnlessThere(Relation table, TupleTableSlot* slot) {
  const TransactionId transaction = GetCurrentTransactionId();
  if (looks_first_ && !NoConflict(target_, slot, estate_, arbiters_)) return false;
  for (;;) {
    const uint32 token = SpeculativeInsertionLockAcquire(transaction);
    table_tuple_insert_speculative(table, slot, GetCurrentCommandId(true), 0, nullptr, token);
    const bool inserted = InsertIndexEntries(target_, slot, estate_, arbiters_);
    table_tuple_complete_speculative(table, slot, token, inserted);
    SpeculativeInsertionLockRelease(transaction);
    if (inserted) return true;
    if (!NoConflict(target_, slot, estate_, arbiters_)) return false;
  }
}

bool DirectTable::InsertAll(const std::vector<Param>& values) {
  const int width = count_;
  const auto rows = static_cast<int>(values.size()) / width;
  if (values.size() != static_cast<size_t>(rows) * width) throw std::length_error("whole rows");
  const Param* first = values.data();
  return Call([=] {
    Relation table = OpenToWrite();
    OpenIndexes();
    TupleTableSlot* slots[kRowsAtOnce];
    const int space = Min(rows, kRowsAtOnce);
    for (int i = 0; i < space; ++i) slots[i] = table_slot_create(table, nullptr);
    bool inserted = true;
    for (int done = 0; done < rows && inserted; done += space) {
      CHECK_FOR_INTERRUPTS();
      const int count = Min(rows - done, space);
      for (int i = 0; i < count; ++i) {
        ExecClearTuple(slots[i]);
        StoreValues(table, first + static_cast<ptrdiff_t>(done + i) * width, slots[i]);
      }
      inserted = InsertTogether(table, slots, count);
    }
    for (int i = 0; i < space; ++i) ExecDropSingleTupleTableSlot(slots[i]);
    ExecCloseIndices(target_);
    table_close(table, NoLock);
    CommandCounterIncrement();
    return inserted;
  });
}

// One WAL record for the rows of a page, as COPY does it.
bool DirectTable::InsertTogether(Relation table, TupleTableSlot** slots, int count) {
  table_multi_insert(table, slots, count, GetCurrentCommandId(true), 0, nullptr);
  for (int i = 0; i < count; ++i) {
    ResetPerTupleExprContext(estate_);
    if (!InsertIndexEntries(target_, slots[i], estate_, arbiters_)) return false;
  }
  return true;
}

void DirectTable::Update(HeapTuple row, const Changes& changes) { UpdateRow(row, changes, true); }

bool DirectTable::UpdateUnlocked(HeapTuple row, const Changes& changes) {
  return UpdateRow(row, changes, false);
}

bool DirectTable::UpdateRow(HeapTuple row, const Changes& changes, bool is_locked) {
  if (changes.size() > kMaxColumns) throw std::length_error("too many columns");
  const Change* first = changes.data();
  const int count = static_cast<int>(changes.size());
  return Call([=] {
    int columns[kMaxColumns];
    Datum values[kMaxColumns];
    bool nulls[kMaxColumns];
    for (int i = 0; i < count; ++i) {
      columns[i] = first[i].column;
      values[i] = first[i].value.value;
      nulls[i] = first[i].value.is_null;
    }
    Relation table = OpenToWrite();
    TupleTableSlot* slot = MakeSingleTupleTableSlot(desc_, &TTSOpsHeapTuple);
    HeapTuple changed = heap_modify_tuple_by_cols(row, desc_, count, columns, values, nulls);
    ExecStoreHeapTuple(changed, slot, false);
    slot->tts_tableOid = RelationGetRelid(table);
    ExecConstraints(target_, slot, estate_);
    const bool updated = UpdateStored(table, &row->t_self, slot, is_locked);
    ExecDropSingleTupleTableSlot(slot);
    table_close(table, NoLock);
    CommandCounterIncrement();
    return updated;
  });
}

bool DirectTable::UpdateStored(Relation table, ItemPointer row, TupleTableSlot* slot,
                               bool is_locked) {
  TM_FailureData failure;
  LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
  TU_UpdateIndexes outdated = TU_None;
#else
  bool outdated = false;
#endif
  // "Wait" lets a lock of our own pass, too.
  const TM_Result result =
      table_tuple_update(table, row, slot, GetCurrentCommandId(true), GetActiveSnapshot(),
                         InvalidSnapshot, is_locked, &failure, &mode, &outdated);
  if (result != TM_Ok && !is_locked) return false;
  if (result != TM_Ok) elog(ERROR, "latchkey: a locked row of %s could not be changed", table_);
  if (!outdated) return true;
  OpenIndexes();
#if PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(target_, slot, estate_, true, false, nullptr, NIL,
                        outdated == TU_Summarizing);
#else
  ExecInsertIndexTuples(target_, slot, estate_, true, false, nullptr, NIL);
#endif
  ExecCloseIndices(target_);
  return true;
}

bool DirectTable::Delete(HeapTuple row) {
  return Call([this, row] {
    Relation table = OpenToWrite();
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_delete(table, &row->t_self, GetCurrentCommandId(true), GetActiveSnapshot(),
                           InvalidSnapshot, false, &failure, false);
    table_close(table, NoLock);
    CommandCounterIncrement();
    return result == TM_Ok;
  });
}

}  // namespace latchkey::pg
