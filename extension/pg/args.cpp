// Building rows and sets of rows.
#include "extension/pg/args.hpp"

#include <stdexcept>

#include "extension/core/error.hpp"
#include "extension/pg/transaction_state.hpp"

extern "C" {
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace latchkey::pg {

namespace {

constexpr size_t kMaxColumns = 32;

struct PlainRow {
  Datum values[kMaxColumns];
  bool nulls[kMaxColumns];
};

PlainRow Flatten(const std::vector<Value>& values) {
  if (values.size() > kMaxColumns) throw std::length_error("a result row is too wide");
  PlainRow row{};
  for (size_t i = 0; i < values.size(); ++i) {
    row.values[i] = values[i].datum;
    row.nulls[i] = values[i].is_null;
  }
  return row;
}

Datum FormComposite(Oid type, const std::vector<Value>& values) {
  PlainRow row = Flatten(values);
  const int count = static_cast<int>(values.size());
  return Call([&row, type, count] {
    TupleDesc desc = lookup_rowtype_tupdesc(type, -1);
    if (desc->natts != count) elog(ERROR, "latchkey: %d values for %d columns", count, desc->natts);
    const Datum datum = HeapTupleGetDatum(heap_form_tuple(desc, row.values, row.nulls));
    ReleaseTupleDesc(desc);
    return datum;
  });
}

}  // namespace

void Args::ThrowNull(const char* name) {
  const Identity* identity = BoundIdentity();
  const std::string_view whose(name);
  // Where a user would pass current_user_id(), an API key has nothing to pass.
  if (identity != nullptr && identity->kind == Identity::kService &&
      (whose == "user_id" || whose == "account_id")) {
    throw Error(ErrorCode::kForbidden, "an API key has no account of its own");
  }
  throw Error(ErrorCode::kInvalidArgument, std::string(name) + " must not be null");
}

Value Composite(Oid type, const std::vector<Value>& values) {
  Value value;
  value.datum = FormComposite(type, values);
  value.is_null = false;
  return value;
}

Datum Args::ReturnRow(const std::vector<Value>& values) {
  FmgrInfo* flinfo = fcinfo_->flinfo;
  const Oid type = Call([=] {
    const Oid from_expression = get_fn_expr_rettype(flinfo);
    return OidIsValid(from_expression) ? from_expression : get_func_rettype(flinfo->fn_oid);
  });
  return FormComposite(type, values);
}

ReturnSetInfo* Args::SetInfo() const {
  auto* info = reinterpret_cast<ReturnSetInfo*>(fcinfo_->resultinfo);
  if (info == nullptr || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize)) {
    throw Error(ErrorCode::kInvalidArgument,
                "a set-returning function was called where no set fits", {}, "Call it in FROM.");
  }
  return info;
}

void Args::BeginSet() {
  ReturnSetInfo* info = SetInfo();
  if (store_ != nullptr) return;
  FunctionCallInfo fcinfo = fcinfo_;
  Call([=] {
    const MemoryContext old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
    TupleDesc desc = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE) {
      elog(ERROR, "latchkey: a set of what is no composite");
    }
    info->setDesc = BlessTupleDesc(desc);
    info->returnMode = SFRM_Materialize;
    info->setResult = tuplestore_begin_heap(true, false, work_mem);
    MemoryContextSwitchTo(old);
  });
  store_ = info->setResult;
  set_desc_ = info->setDesc;
}

void Args::EmitRow(const std::vector<Value>& values) {
  BeginSet();
  PlainRow row = Flatten(values);
  Call([this, &row] { tuplestore_putvalues(store_, set_desc_, row.values, row.nulls); });
}

}  // namespace latchkey::pg
