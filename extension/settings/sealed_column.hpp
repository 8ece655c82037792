// A column whose values are sealed under the master key. Each names itself here, so that what it
// stores is bound to its row, and rotate_master_key() finds it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "extension/core/secret.hpp"

namespace latchkey::settings {

class SealedColumn {
 public:
  // Define as a static of the module that owns the table; `key` names the columns of its primary
  // key.
  SealedColumn(const char* table, const char* column, std::initializer_list<const char*> key);
  SealedColumn(const SealedColumn&) = delete;
  SealedColumn& operator=(const SealedColumn&) = delete;

  // `row`: the values of the key as texts, with a newline between two.
  std::string Seal(std::string_view plaintext, std::string_view row) const;
  // Raises LK504 when the value was sealed with an unknown key, or not for this column and row.
  Secret Open(std::string_view envelope, std::string_view row) const;

  const char* table() const { return table_; }
  const char* column() const { return column_; }
  // An SQL expression for `row`.
  std::string RowExpression() const;

 private:
  const char* table_;
  const char* column_;
  std::vector<const char*> key_;
};

// All that the library defines, whatever the order.
const std::vector<const SealedColumn*>& SealedColumns();

}  // namespace latchkey::settings
