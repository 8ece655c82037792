// Tables without planner and executor: what a statement sets up each time is made once and kept;
// finding rows and locking them.
#include "extension/pg/direct_table.hpp"

#include <algorithm>
#include <cstring>

#include "extension/pg/local_table.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

namespace latchkey::pg {

namespace {

DirectTable* opened = nullptr;  // all that this backend has used, by next_

bool IsPlain(Relation table) {
  const Form_pg_class form = table->rd_rel;
  return IsLocal(table) && !form->relhassubclass && !form->relhasrules &&
         !(form->relrowsecurity && form->relforcerowsecurity);
}

bool HasGeneratedColumns(Relation table) {
  const TupleDesc desc = RelationGetDescr(table);
  for (int i = 0; i < desc->natts; ++i) {
    if (TupleDescAttr(desc, i)->attgenerated != '\0') return true;
  }
  return false;
}

bool FiresAtInsert(const TriggerDesc* triggers) {
  if (triggers == nullptr) return false;
  return std::any_of(triggers->triggers, triggers->triggers + triggers->numtriggers,
                     [](const Trigger& trigger) { return TRIGGER_FOR_INSERT(trigger.tgtype); });
}

bool FiresAtDelete(const TriggerDesc* triggers) {
  if (triggers == nullptr) return false;
  return std::any_of(triggers->triggers, triggers->triggers + triggers->numtriggers,
                     [](const Trigger& trigger) { return TRIGGER_FOR_DELETE(trigger.tgtype); });
}

// For replication: a publication asks for the old row's key. Without one, the statement complains.
bool HasIdentity(Relation table) { return OidIsValid(RelationGetReplicaIndex(table)); }

// Foreign keys have nothing to do while keys stay the same.
bool FiresAtUpdate(const TriggerDesc* triggers) {
  if (triggers == nullptr) return false;
  return std::any_of(triggers->triggers, triggers->triggers + triggers->numtriggers,
                     [](const Trigger& trigger) {
                       return TRIGGER_FOR_UPDATE(trigger.tgtype) &&
                              RI_FKey_trigger_type(trigger.tgfoid) == RI_TRIGGER_NONE;
                     });
}

}  // namespace

// One callback for all tables: the server has room for ten.
void DirectTable::OnRelationChanged(Datum, Oid relation) {
  for (DirectTable* table = opened; table != nullptr; table = table->next_) {
    if (relation == InvalidOid || relation == table->relation_) ++table->changes_;
  }
}

void DirectTable::Register() {
  if (opened == nullptr) CacheRegisterRelcacheCallback(OnRelationChanged, 0);
  next_ = opened;
  opened = this;
  changes_ = 1;
}

// What others change in the catalogue is known once the lock is held, so that is when what was
// prepared is compared with it.
Relation DirectTable::Open(LOCKMODE lock) {
  if (changes_ == 0) Register();
  for (;;) {
    const uint64_t seen = changes_;
    const Oid relation = prepared_ == seen
                             ? relation_
                             : get_relname_relid(table_, get_namespace_oid("latchkey", false));
    Relation table = table_open(relation, lock);
    if (prepared_ != seen && changes_ == seen) {
      relation_ = relation;
      Prepare(table);
      prepared_ = seen;
    }
    if (prepared_ == changes_) return table;
    table_close(table, NoLock);
  }
}

Relation DirectTable::OpenToWrite() {
  Relation table = Open(RowExclusiveLock);
  target_->ri_RelationDesc = table;
  ResetPerTupleExprContext(estate_);
  return table;
}

void DirectTable::Prepare(Relation table) {
  if (memory_ == nullptr) {
    memory_ = AllocSetContextCreate(TopMemoryContext, "latchkey table", ALLOCSET_SMALL_SIZES);
  }
  MemoryContextReset(memory_);
  const MemoryContext old = MemoryContextSwitchTo(memory_);
  desc_ = CreateTupleDescCopy(RelationGetDescr(table));
  PrepareTarget(table);
  MemoryContextSwitchTo(old);
  const bool readable = IsPlain(table) && HasOurColumns() && OidIsValid(index_);
  const bool writable = readable && !HasGeneratedColumns(table) && HasIdentity(table);
  usable_[kRead] = readable;
  usable_[kInsert] = writable && !FiresAtInsert(table->trigdesc);
  usable_[kUpdate] = writable && !FiresAtUpdate(table->trigdesc);
  usable_[kDelete] = writable && !FiresAtDelete(table->trigdesc);
}

bool DirectTable::HasOurColumns() const {
  if (desc_->natts != count_) return false;
  for (int i = 0; i < count_; ++i) {
    const Form_pg_attribute column = TupleDescAttr(desc_, i);
    if (column->attisdropped || std::strcmp(NameStr(column->attname), names_[i]) != 0) return false;
  }
  return true;
}

void DirectTable::PrepareTarget(Relation table) {
  estate_ = CreateExecutorState();
  target_ = makeNode(ResultRelInfo);
  InitResultRelInfo(target_, table, 0, nullptr, 0);
  index_ = get_relname_relid(index_name_, RelationGetNamespace(table));
  arbiters_ = list_make1_oid(index_);
  all_indexes_ = RelationGetIndexList(table);
  const int count = list_length(all_indexes_);
  target_->ri_NumIndices = count;
  looks_first_ = false;
  target_->ri_IndexRelationDescs = static_cast<Relation*>(palloc0(count * sizeof(Relation)));
  target_->ri_IndexRelationInfo = static_cast<IndexInfo**>(palloc0(count * sizeof(IndexInfo*)));
  for (int i = 0; i < count; ++i) {
    Relation index = index_open(list_nth_oid(all_indexes_, i), AccessShareLock);
    IndexInfo* info = BuildIndexInfo(index);
    if (!index->rd_index->indisvalid && RelationGetRelid(index) == index_) index_ = InvalidOid;
    if (info->ii_Unique) BuildSpeculativeIndexInfo(index, info);
    const bool unique = info->ii_Unique || info->ii_ExclusionOps != nullptr;
    looks_first_ |= unique && !index->rd_index->indisprimary && RelationGetRelid(index) != index_;
    target_->ri_IndexRelationInfo[i] = info;
    index_close(index, AccessShareLock);
  }
}

bool DirectTable::IsUsable(Use use) {
  if (use != kRead && (XactReadOnly || IsInParallelMode())) return false;
  Call([this] { table_close(Open(AccessShareLock), NoLock); });
  return usable_[use];
}

StoredRows DirectTable::Find(const Uuid& key, const Uuid* second) {
  const Datum values[] = {UuidDatum(key), second == nullptr ? Datum{0} : UuidDatum(*second)};
  const Datum* value = values;
  const int count = second == nullptr ? 1 : 2;
  return Call([this, value, count] {
    StoredRows found;
    Relation table = Open(AccessShareLock);
    Relation index = index_open(index_, AccessShareLock);
    const Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    IndexScanDesc scan = BeginScan(table, index, snapshot, count);
    ScanKeyData keys[2];
    for (int i = 0; i < count; ++i) {
      ScanKeyInit(&keys[i], static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, F_UUID_EQ,
                  value[i]);
    }
    index_rescan(scan, keys, count, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
      found.Append(Copy(slot));
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(snapshot);
    index_close(index, AccessShareLock);
    table_close(table, NoLock);
    return found;
  });
}

std::vector<bool> DirectTable::AreThere(const Uuid& key, const std::vector<Param>& seconds) {
  const Datum first = UuidDatum(key);
  const Param* values = seconds.data();
  const size_t count = seconds.size();
  const bool* there = Call([=] {
    auto* found = static_cast<bool*>(palloc0(count + 1));
    Relation table = Open(AccessShareLock);
    Relation index = index_open(index_, AccessShareLock);
    const Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    IndexScanDesc scan = BeginScan(table, index, snapshot, 2);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, first);
    for (size_t i = 0; i < count; ++i) {
      ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
                             index->rd_indcollation[1], F_TEXTEQ, values[i].value);
      index_rescan(scan, keys, 2, nullptr, 0);
      found[i] = index_getnext_slot(scan, ForwardScanDirection, slot);
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    UnregisterSnapshot(snapshot);
    index_close(index, AccessShareLock);
    table_close(table, NoLock);
    return found;
  });
  return std::vector<bool>(there, there + count);
}

StoredRow DirectTable::Copy(TupleTableSlot* slot) const {
  StoredRow row;
  row.tuple_ = ExecCopySlotHeapTuple(slot);
  row.values_ = static_cast<Datum*>(palloc(count_ * sizeof(Datum)));
  row.nulls_ = static_cast<bool*>(palloc(count_ * sizeof(bool)));
  heap_deform_tuple(row.tuple_, desc_, row.values_, row.nulls_);
  return row;
}

void StoredRows::Append(const StoredRow& row) {
  if (count_ == space_) {
    space_ = space_ == 0 ? 4 : 2 * space_;
    auto* larger = static_cast<StoredRow*>(palloc(space_ * sizeof(StoredRow)));
    std::copy_n(rows_, count_, larger);
    rows_ = larger;
  }
  rows_[count_++] = row;
}

bool DirectTable::Lock(HeapTuple row) {
  return Call([this, row] {
    Relation table = OpenToWrite();
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_lock(table, &row->t_self, GetActiveSnapshot(), slot, GetCurrentCommandId(true),
                         LockTupleNoKeyExclusive, LockWaitSkip, 0, &failure);
    ExecDropSingleTupleTableSlot(slot);
    table_close(table, NoLock);
    return result == TM_Ok;
  });
}

}  // namespace latchkey::pg
