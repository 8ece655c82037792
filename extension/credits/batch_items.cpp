// Reading the debits of a batch, and which of their keys have been used.
#include "extension/credits/batch_items.hpp"

#include "extension/credits/storage.hpp"
#include "extension/pg/array.hpp"
#include "extension/pg/json.hpp"

namespace latchkey::credits {

namespace {

constexpr size_t kMaxBatch = 10000;

[[noreturn]] void ThrowMalformed() {
  throw Error(ErrorCode::kInvalidArgument, "the debit is malformed",
              "It takes service, quantity, idempotency_key and metadata.");
}

// Absent: 1. Up to 18 digits, so that it fits.
int64_t QuantityOf(const pg::JsonItem& object) {
  const auto member = object.Member("quantity");
  if (!member) return 1;
  if (member->kind() == pg::JsonItem::kNull) ThrowMalformed();
  const std::string text = member->AsText();
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || text.empty() || text.size() > 18) ThrowMalformed();
  return std::stoll(text);
}

Debit ReadDebit(const pg::JsonItem& object) {
  using Kind = pg::JsonItem::Kind;
  const auto service = object.Member("service");
  const auto key = object.Member("idempotency_key");
  const auto metadata = object.Member("metadata");
  const bool has_key = key && key->kind() != Kind::kNull;
  if (!service || service->kind() != Kind::kString) ThrowMalformed();
  if (has_key && key->kind() != Kind::kString) ThrowMalformed();
  const int64_t quantity = QuantityOf(object);
  std::optional<std::string> key_text;
  if (has_key) key_text = key->AsText();
  std::optional<std::string> metadata_text;
  if (metadata && metadata->kind() != Kind::kNull) metadata_text = metadata->AsJson();
  return MakeDebit(service->AsText(), quantity, std::move(key_text), std::move(metadata_text));
}

// Each key is looked up by itself: given all at once, the server may read every row of the account
// instead.
std::vector<bool> FindKeys(pg::Spi& spi, const Uuid& account_id,
                           const std::vector<pg::Param>& keys) {
  static pg::Statement statement(R"(
    SELECT EXISTS (SELECT 1 FROM latchkey.credit_transactions t
                    WHERE t.account_id = $1 AND t.idempotency_key = key)
      FROM unnest($2) WITH ORDINALITY AS a (key, n) ORDER BY n)");
  if (IsStorageDirect()) return AreKeysKnown(account_id, keys);
  const std::vector<pg::Value> values(keys.begin(), keys.end());
  const pg::Rows rows = spi.RunLatest(statement, account_id, pg::ToArray(TEXTOID, values));
  std::vector<bool> known(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) known[i] = rows[i].Get<bool>(1);
  return known;
}

}  // namespace

std::vector<Item> ReadItems(const pg::Raw& debits) {
  const auto array = pg::JsonArray::Of(debits.value);
  const uint32_t count = array ? array->size() : 0;
  if (count == 0 || count > kMaxBatch) {
    throw Error(ErrorCode::kInvalidArgument, "debits must be an array of 1 to 10000 objects");
  }
  std::vector<Item> items(count);
  for (uint32_t i = 0; i < count; ++i) {
    try {
      items[i].debit = ReadDebit((*array)[i]);
    } catch (const Error& error) {
      items[i].error = error;
    }
  }
  return items;
}

Known FindKnown(pg::Spi& spi, const Uuid& account_id, const std::vector<Item>& items) {
  std::vector<std::string_view> keys;
  std::vector<pg::Param> params;
  for (const Item& item : items) {
    if (!item.debit || !item.debit->idempotency.key) continue;
    keys.emplace_back(*item.debit->idempotency.key);
    params.push_back(pg::ToParam(keys.back()));
  }
  Known known;
  if (keys.empty()) return known;
  known.reserve(keys.size());
  const std::vector<bool> found = FindKeys(spi, account_id, params);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (found[i]) known.emplace(keys[i], nullptr);
  }
  return known;
}

}  // namespace latchkey::credits
