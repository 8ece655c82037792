// Reading what lies in a jsonb.
#include "extension/pg/json.hpp"

namespace latchkey::pg {

JsonItem::Kind JsonItem::kind() const {
  if (value_.type == jbvNull) return kNull;
  if (value_.type == jbvString) return kString;
  const bool object = value_.type == jbvBinary && JsonContainerIsObject(value_.val.binary.data);
  return object ? kObject : kOther;
}

std::optional<JsonItem> JsonItem::Member(std::string_view key) const {
  if (kind() != kObject) return std::nullopt;
  JsonbContainer* container = value_.val.binary.data;
  const char* name = key.data();
  const int length = static_cast<int>(key.size());
  struct Found {
    bool there;
    JsonbValue value;
  };
  const Found found = Call([=] {
    Found member{};
    member.there = getKeyJsonValueFromContainer(container, name, length, &member.value) != nullptr;
    return member;
  });
  if (!found.there) return std::nullopt;
  return JsonItem(found.value);
}

std::string JsonItem::AsText() const {
  if (value_.type != jbvString) return AsJson();
  return {value_.val.string.val, static_cast<size_t>(value_.val.string.len)};
}

std::string JsonItem::AsJson() const {
  const JsonbValue* value = &value_;
  return Call([=] {
    JsonbValue copy = *value;
    Jsonb* document = JsonbValueToJsonb(&copy);
    return JsonbToCString(nullptr, &document->root, static_cast<int>(VARSIZE(document)));
  });
}

std::optional<JsonArray> JsonArray::Of(Datum jsonb) {
  JsonbContainer* container = Call([=] { return &DatumGetJsonbP(jsonb)->root; });
  if (!JsonContainerIsArray(container) || JsonContainerIsScalar(container)) return std::nullopt;
  return JsonArray(container);
}

JsonItem JsonArray::operator[](uint32_t position) const {
  JsonbContainer* container = container_;
  return JsonItem(*Call([=] { return getIthJsonbValueFromContainer(container, position); }));
}

}  // namespace latchkey::pg
