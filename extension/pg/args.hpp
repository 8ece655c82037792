// Arguments and results of an SQL function.
#pragma once

#include "extension/pg/datum.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::pg {

// Values of a composite result, in its columns' order.
struct Value {
  Datum datum = 0;
  bool is_null = true;

  Value() = default;
  explicit Value(const Param& param) : datum(param.value), is_null(param.is_null) {}
};

template <typename T>
Value ToValue(const T& value) {
  return Value(ToParam(value));
}

class Args {
 public:
  explicit Args(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {}

  bool IsNull(int index) const { return fcinfo_->args[index].isnull; }

  // Raises LK400 "NAME must not be null" for a null.
  template <typename T>
  T Get(int index, const char* name) const {
    if (IsNull(index)) ThrowNull(name);
    return FromDatum<T>(fcinfo_->args[index].value);
  }
  template <typename T>
  std::optional<T> Optional(int index) const {
    if (IsNull(index)) return std::nullopt;
    return FromDatum<T>(fcinfo_->args[index].value);
  }
  std::string_view Text(int index, const char* name) const {
    return Get<std::string_view>(index, name);
  }
  void RequireValue(int index, const char* name) const {
    if (IsNull(index)) ThrowNull(name);
  }
  Raw AsIs(int index, Oid type) const {
    return {type, fcinfo_->args[index].value, fcinfo_->args[index].isnull};
  }

  Datum Null() {
    fcinfo_->isnull = true;
    return 0;
  }
  Datum Void() { return 0; }
  template <typename T>
  Datum Return(const T& value) {
    return ToParam(value).value;
  }
  template <typename T>
  Datum Return(const std::optional<T>& value) {
    return value ? Return(*value) : Null();
  }
  // One row of the function's composite type.
  Datum ReturnRow(const std::vector<Value>& values);

  // The rows of a set-returning function; return Void() afterwards.
  void EmitRow(const std::vector<Value>& values);
  // Makes an empty set of it when nothing is emitted. EmitRow calls it.
  void BeginSet();

  FunctionCallInfo fcinfo() const { return fcinfo_; }

 private:
  [[noreturn]] static void ThrowNull(const char* name);
  ReturnSetInfo* SetInfo() const;

  FunctionCallInfo fcinfo_;
  Tuplestorestate* store_ = nullptr;
  TupleDesc set_desc_ = nullptr;
};

// A composite Datum of the named type, for a column of another composite.
Value Composite(Oid type, const std::vector<Value>& values);

}  // namespace latchkey::pg
