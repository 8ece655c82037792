// Building arrays.
#include "extension/pg/array.hpp"

extern "C" {
#include "utils/array.h"
#include "utils/lsyscache.h"
}

namespace latchkey::pg {

Raw ToArray(Oid element_type, const std::vector<Value>& values) {
  const int count = static_cast<int>(values.size());
  const Value* items = values.data();
  Raw array;
  array.is_null = false;
  array.type = Call([=] { return get_array_type(element_type); });
  array.value = Call([=] {
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(element_type, &length, &by_value, &alignment);
    auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
    auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * (count + 1)));
    for (int i = 0; i < count; ++i) {
      datums[i] = items[i].datum;
      nulls[i] = items[i].is_null;
    }
    int dimensions[] = {count};
    int lower_bounds[] = {1};
    return PointerGetDatum(construct_md_array(datums, nulls, count == 0 ? 0 : 1, dimensions,
                                              lower_bounds, element_type, length, by_value,
                                              alignment));
  });
  return array;
}

Raw ToArray(const std::vector<Uuid>& ids) {
  std::vector<Value> values;
  values.reserve(ids.size());
  for (const Uuid& id : ids) values.push_back(ToValue(id));
  return ToArray(UUIDOID, values);
}

std::vector<std::optional<std::string>> FromTextArray(const Raw& array) {
  struct Elements {
    Datum* values;
    bool* nulls;
    int count;
  };
  const Datum datum = array.value;
  const Elements elements = Call([=] {
    Elements all{};
    deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &all.values,
                      &all.nulls, &all.count);
    return all;
  });
  std::vector<std::optional<std::string>> texts(elements.count);
  for (int i = 0; i < elements.count; ++i) {
    if (!elements.nulls[i]) texts[i] = FromDatum<std::string>(elements.values[i]);
  }
  return texts;
}

ArrayShape ShapeOf(const Raw& array) {
  const Datum datum = array.value;
  return Call([=] {
    ArrayType* elements = DatumGetArrayTypeP(datum);
    return ArrayShape{ArrayGetNItems(ARR_NDIM(elements), ARR_DIMS(elements)),
                      array_contains_nulls(elements)};
  });
}

}  // namespace latchkey::pg
