// Reading what lies in a jsonb, member by member, without SQL.
#pragma once

#include <optional>
#include <string>

#include "extension/pg/datum.hpp"

extern "C" {
#include "utils/jsonb.h"
}

namespace latchkey::pg {

// A value within a jsonb; lives as long as its document.
class JsonItem {
 public:
  enum Kind { kNull, kString, kObject, kOther };

  explicit JsonItem(const JsonbValue& value) : value_(value) {}

  Kind kind() const;
  // None where there is no such member, and where this is no object.
  std::optional<JsonItem> Member(std::string_view key) const;
  std::string AsText() const;  // as ->> gives it; JSON's null as the text null
  std::string AsJson() const;  // as the server prints it

 private:
  JsonbValue value_;
};

// A jsonb whose outermost value is an array.
class JsonArray {
 public:
  static std::optional<JsonArray> Of(Datum jsonb);  // none when it is none

  uint32_t size() const { return JsonContainerSize(container_); }
  JsonItem operator[](uint32_t position) const;  // from 0

 private:
  explicit JsonArray(JsonbContainer* container) : container_(container) {}

  JsonbContainer* container_;
};

}  // namespace latchkey::pg
