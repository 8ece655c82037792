// Row triggers, and the trigger that announces changes of cached tables.
#include "extension/pg/trigger.hpp"

#include <algorithm>
#include <stdexcept>

#include "extension/pg/catalog.hpp"
#include "extension/pg/table_cache.hpp"

extern "C" {
#include "utils/datum.h"
#include "utils/rel.h"
}

namespace latchkey::pg {

RowTrigger::RowTrigger(Args& args) : data_(nullptr) {
  if (!CALLED_AS_TRIGGER(args.fcinfo()))
    throw std::logic_error("latchkey: not called as a trigger");
  data_ = reinterpret_cast<TriggerData*>(args.fcinfo()->context);
}

HeapTuple RowTrigger::NewTuple() const {
  return IsUpdate() ? data_->tg_newtuple : data_->tg_trigtuple;
}

int RowTrigger::ColumnNumber(const char* column) const {
  TupleDesc desc = data_->tg_relation->rd_att;
  return Call([=] {
    const int number = SPI_fnumber(desc, column);
    if (number <= 0) elog(ERROR, "latchkey: no column \"%s\"", column);
    return number;
  });
}

bool RowTrigger::HasColumn(const char* column) const {
  TupleDesc desc = data_->tg_relation->rd_att;
  return Call([=] { return SPI_fnumber(desc, column) > 0; });
}

Raw RowTrigger::Of(HeapTuple tuple, const char* column) const {
  const int number = ColumnNumber(column);
  TupleDesc desc = data_->tg_relation->rd_att;
  Raw raw;
  raw.type = TupleDescAttr(desc, number - 1)->atttypid;
  raw.value = heap_getattr(tuple, number, desc, &raw.is_null);
  return raw;
}

Raw RowTrigger::New(const char* column) const { return Of(NewTuple(), column); }
Raw RowTrigger::Old(const char* column) const { return Of(data_->tg_trigtuple, column); }

std::string RowTrigger::NewText(const char* column) const {
  const Raw raw = New(column);
  return raw.is_null ? std::string() : FromDatum<std::string>(raw.value);
}

std::string RowTrigger::OldText(const char* column) const {
  const Raw raw = Old(column);
  return raw.is_null ? std::string() : FromDatum<std::string>(raw.value);
}

bool RowTrigger::OnlyClears(std::initializer_list<const char*> columns) const {
  std::vector<int> clearable;
  for (const char* column : columns) clearable.push_back(ColumnNumber(column));
  TupleDesc desc = data_->tg_relation->rd_att;
  for (int i = 1; i <= desc->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(desc, i - 1);
    if (attribute->attisdropped) continue;
    bool old_null = false;
    bool new_null = false;
    const Datum old_value = heap_getattr(data_->tg_trigtuple, i, desc, &old_null);
    const Datum new_value = heap_getattr(data_->tg_newtuple, i, desc, &new_null);
    if (new_null && std::find(clearable.begin(), clearable.end(), i) != clearable.end()) continue;
    if (old_null != new_null) return false;
    const bool by_value = attribute->attbyval;
    const int length = attribute->attlen;
    if (!old_null &&
        !Call([=] { return datum_image_eq(old_value, new_value, by_value, length); })) {
      return false;
    }
  }
  return true;
}

Datum RowTrigger::KeepNew() const { return PointerGetDatum(NewTuple()); }

Datum RowTrigger::KeepNewWith(const char* column, Timestamp time) const {
  HeapTuple tuple = NewTuple();
  TupleDesc desc = data_->tg_relation->rd_att;
  const int column_number = ColumnNumber(column);
  return Call([=] {
    int number = column_number;
    Datum value = TimestampTzGetDatum(time.micros);
    bool is_null = false;
    return PointerGetDatum(heap_modify_tuple_by_cols(tuple, desc, 1, &number, &value, &is_null));
  });
}

std::optional<std::string> RowTrigger::Argument(int index) const {
  const Trigger* trigger = data_->tg_trigger;
  if (index >= trigger->tgnargs) return std::nullopt;
  return std::string(trigger->tgargs[index]);
}

// AFTER … STATEMENT on a cached table: every backend reads it again.
LATCHKEY_FUNCTION(invalidate, kOpen) {
  const RowTrigger trigger(args);
  const auto table = trigger.Argument(0);
  AnnounceChange(table ? TableOid(table->c_str()) : trigger.Relation());
  return PointerGetDatum(nullptr);
}

}  // namespace latchkey::pg
