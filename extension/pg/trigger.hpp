// What a row trigger written in C++ sees.
#pragma once

#include "extension/pg/args.hpp"
#include "extension/pg/subtransaction.hpp"

extern "C" {
#include "commands/trigger.h"
}

namespace latchkey::pg {

class RowTrigger {
 public:
  // Raises when the function is not called as a trigger.
  explicit RowTrigger(Args& args);

  std::optional<std::string> Argument(int index) const;  // none when there are fewer

  bool IsInsert() const { return TRIGGER_FIRED_BY_INSERT(data_->tg_event); }
  bool IsDelete() const { return TRIGGER_FIRED_BY_DELETE(data_->tg_event); }
  bool IsAfter() const { return TRIGGER_FIRED_AFTER(data_->tg_event); }
  bool IsUpdate() const { return TRIGGER_FIRED_BY_UPDATE(data_->tg_event); }
  bool IsForRow() const { return TRIGGER_FIRED_FOR_ROW(data_->tg_event); }
  Oid Relation() const { return data_->tg_relation->rd_id; }

  bool HasColumn(const char* column) const;

  std::string NewText(const char* column) const;
  std::string OldText(const char* column) const;  // of an update
  Raw New(const char* column) const;
  Raw Old(const char* column) const;  // of an update or a deletion
  // True when old and new row agree in every column, but for those of `columns` that are null in
  // the new one.
  bool OnlyClears(std::initializer_list<const char*> columns) const;

  Datum KeepNew() const;
  Datum KeepNewWith(const char* column, Timestamp time) const;

 private:
  HeapTuple NewTuple() const;
  Raw Of(HeapTuple tuple, const char* column) const;
  int ColumnNumber(const char* column) const;

  TriggerData* data_;
};

}  // namespace latchkey::pg
