// Tables without planner and executor: walking along an index.
#include <cstring>

#include "extension/pg/direct_table.hpp"
#include "extension/pg/local_table.hpp"

extern "C" {
#include "access/table.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
}

namespace latchkey::pg {

namespace {

struct PlainText {
  explicit PlainText(Datum value)
      : stored(reinterpret_cast<struct varlena*>(DatumGetPointer(value))),
        plain(pg_detoast_datum_packed(stored)) {}
  const char* data() const { return VARDATA_ANY(plain); }
  size_t size() const { return VARSIZE_ANY_EXHDR(plain); }
  void Free() {
    if (plain != stored) pfree(plain);
  }

  struct varlena* stored;
  struct varlena* plain;
};

}  // namespace

bool PassedRow::Is(int column, std::string_view text) const {
  PlainText bytes(values_[column - 1]);
  const bool is =
      bytes.size() == text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
  bytes.Free();
  return is;
}

bool PassedRow::Contains(int column, std::string_view text) const {
  PlainText bytes(values_[column - 1]);
  const bool contains = memmem(bytes.data(), bytes.size(), text.data(), text.size()) != nullptr;
  bytes.Free();
  return contains;
}

int64_t DirectTable::Walk(const Uuid* below, bool (*visit)(void*, const PassedRow&),
                          void* visitor) {
  const Datum key = below == nullptr ? Datum{0} : UuidDatum(*below);
  const int keys = below == nullptr ? 0 : 1;
  return Call([=] {
    Relation table = Open(AccessShareLock);
    Relation index = index_open(index_, AccessShareLock);
    TupleTableSlot* slot = table_slot_create(table, nullptr);
    IndexScanDesc scan = BeginScan(table, index, GetActiveSnapshot(), keys);
    ScanKeyData bound;
    ScanKeyInit(&bound, 1, BTLessStrategyNumber, F_UUID_LT, key);
    index_rescan(scan, &bound, keys, nullptr, 0);
    while (index_getnext_slot(scan, BackwardScanDirection, slot)) {
      CHECK_FOR_INTERRUPTS();
      slot_getallattrs(slot);
      if (!visit(visitor, PassedRow(slot->tts_values, slot->tts_isnull))) break;
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
    const auto rows = static_cast<int64_t>(table->rd_rel->reltuples);
    table_close(table, NoLock);
    return rows < 0 ? 0 : rows;
  });
}

}  // namespace latchkey::pg
