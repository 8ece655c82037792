// Columns that are sealed under the master key, and the contexts that bind values to rows.
#include "extension/settings/sealed_column.hpp"

#include "extension/settings/master_key.hpp"

namespace latchkey::settings {

namespace {

std::vector<const SealedColumn*>& All() {
  static auto& all = *new std::vector<const SealedColumn*>;
  return all;
}

std::string ContextOf(const SealedColumn& column, std::string_view row) {
  return std::string(column.table()) + "." + column.column() + "\n" + std::string(row);
}

}  // namespace

SealedColumn::SealedColumn(const char* table, const char* column,
                           std::initializer_list<const char*> key)
    : table_(table), column_(column), key_(key) {
  All().push_back(this);
}

std::string SealedColumn::Seal(std::string_view plaintext, std::string_view row) const {
  return SealWithMasterKey(plaintext, ContextOf(*this, row));
}

Secret SealedColumn::Open(std::string_view envelope, std::string_view row) const {
  return OpenWithMasterKey(envelope, ContextOf(*this, row));
}

std::string SealedColumn::RowExpression() const {
  std::string expression = "concat_ws(E'\\n'";
  for (const char* name : key_) expression += std::string(", ") + name + "::text";
  return expression + ")";
}

const std::vector<const SealedColumn*>& SealedColumns() { return All(); }

}  // namespace latchkey::settings
