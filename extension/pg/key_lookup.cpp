// Reading one row by its primary key.
#include "extension/pg/key_lookup.hpp"

#include "extension/pg/catalog.hpp"
#include "extension/pg/local_table.hpp"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
}

namespace latchkey::pg {

namespace {

Oid PrimaryKeyIndex(Relation table) {
#if PG_VERSION_NUM >= 180000
  return RelationGetPrimaryKeyIndex(table, false);
#else
  return RelationGetPrimaryKeyIndex(table);
#endif
}

Snapshot SnapshotToReadWith() {
  const bool latest = IsolationUsesXactSnapshot() && !IsInParallelMode();
  return latest ? GetLatestSnapshot() : GetActiveSnapshot();
}

// The row's own copy, in the current memory context; null when there is none.
HeapTuple FetchCopy(Relation table, Oid index_oid, const Datum* key) {
  Relation index = index_open(index_oid, AccessShareLock);
  const Snapshot snapshot = RegisterSnapshot(SnapshotToReadWith());
  TupleTableSlot* slot = table_slot_create(table, nullptr);
  IndexScanDesc scan = BeginScan(table, index, snapshot, 2);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, key[0]);
  ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ, key[1]);
  index_rescan(scan, keys, 2, nullptr, 0);
  HeapTuple copy = nullptr;
  if (index_getnext_slot(scan, ForwardScanDirection, slot)) copy = ExecCopySlotHeapTuple(slot);
  index_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
  UnregisterSnapshot(snapshot);
  index_close(index, AccessShareLock);
  return copy;
}

}  // namespace

void KeyLookup::OnRelationChanged(Datum lookup, Oid relation) {
  auto* self = reinterpret_cast<KeyLookup*>(DatumGetPointer(lookup));
  if (relation == InvalidOid || relation == self->relation_) self->relation_ = InvalidOid;
}

void KeyLookup::Resolve() {
  const Oid schema = SchemaOid();
  if (!registered_) {
    Call([this] { CacheRegisterRelcacheCallback(OnRelationChanged, PointerGetDatum(this)); });
    registered_ = true;
  }
  Call([this, schema] {
    const Oid relation = get_relname_relid(table_, schema);
    Relation table = table_open(relation, AccessShareLock);
    index_ = PrimaryKeyIndex(table);
    for (size_t i = 0; i < count_; ++i) {
      columns_[i] = static_cast<AttrNumber>(get_attnum(relation, names_[i]));
      if (columns_[i] == InvalidAttrNumber) elog(ERROR, "latchkey: no column %s", names_[i]);
    }
    local_ = OidIsValid(index_) && IsLocal(table);
    table_close(table, AccessShareLock);
    relation_ = relation;
  });
}

bool KeyLookup::IsUsable() {
  if (!OidIsValid(relation_)) Resolve();
  return local_;
}

KeyLookup::Found KeyLookup::Find(const Uuid& first, const Uuid& second) {
  if (!OidIsValid(relation_)) Resolve();
  const Datum key[] = {UuidDatum(first), UuidDatum(second)};
  const Datum* key_values = key;
  Found found;
  Found* result = &found;
  Call([this, key_values, result] {
    Relation table = table_open(relation_, AccessShareLock);
    if (HeapTuple tuple = FetchCopy(table, index_, key_values)) {
      result->found_ = true;
      for (size_t i = 0; i < count_; ++i) {
        result->values_[i] =
            heap_getattr(tuple, columns_[i], RelationGetDescr(table), &result->nulls_[i]);
      }
    }
    table_close(table, AccessShareLock);
  });
  return found;
}

}  // namespace latchkey::pg
