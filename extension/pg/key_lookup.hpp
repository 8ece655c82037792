// One row by its primary key of two UUIDs, read through the table's index without planner and
// executor.
//
// Only for what runs at every request: `verify` as a whole takes a third less time in a backend
// than with the same SELECT through SPI. It sees what the server at hand stores, so it is not
// usable where a table's rows lie on other nodes (Citus keeps an empty table in their place):
// callers keep the statement beside it.
#pragma once

#include <array>

#include "extension/pg/datum.hpp"

namespace latchkey::pg {

class KeyLookup {
 public:
  static constexpr size_t kMaxColumns = 8;

  // The wanted columns of a row; strings are views that live as long as the memory context at the
  // look-up.
  class Found {
   public:
    explicit operator bool() const { return found_; }
    template <typename T>
    T Get(size_t i) const {
      return FromDatum<T>(values_[i]);
    }
    template <typename T>
    std::optional<T> Optional(size_t i) const {
      if (nulls_[i]) return std::nullopt;
      return FromDatum<T>(values_[i]);
    }

   private:
    friend class KeyLookup;
    bool found_ = false;
    std::array<Datum, kMaxColumns> values_{};
    std::array<bool, kMaxColumns> nulls_{};
  };

  // A static: what it looks up in the catalogue is kept until the table changes.
  constexpr KeyLookup(const char* table, std::initializer_list<const char*> columns)
      : table_(table) {
    for (const char* column : columns) names_[count_++] = column;
  }
  KeyLookup(const KeyLookup&) = delete;
  KeyLookup& operator=(const KeyLookup&) = delete;

  bool IsUsable();

  // With the snapshot of the calling statement; at the levels that keep one per transaction with
  // one of now, as a check must not go by the state at the beginning of a long transaction.
  Found Find(const Uuid& first, const Uuid& second);

 private:
  static void OnRelationChanged(Datum lookup, Oid relation);
  void Resolve();

  const char* table_;
  std::array<const char*, kMaxColumns> names_{};
  size_t count_ = 0;
  Oid relation_ = InvalidOid;  // invalid: to be resolved
  Oid index_ = InvalidOid;
  std::array<AttrNumber, kMaxColumns> columns_{};
  bool local_ = false;
  bool registered_ = false;
};

}  // namespace latchkey::pg
