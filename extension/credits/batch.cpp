// debit_credits_batch: many debits of one account for one lock, one insert and one update per lot.
#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/debits.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/pg/catalog.hpp"

namespace latchkey::credits {

namespace {

constexpr size_t kMaxBatch = 10000;

struct Item {
  std::optional<Debit> debit;
  std::optional<Error> error;
  Transaction transaction;
};

// A malformed item has an error in the debit's place.
std::vector<Item> ReadItems(pg::Spi& spi, const pg::Raw& debits) {
  static pg::Statement statement(R"(
    SELECT e ->> 'service',
           CASE WHEN e -> 'quantity' IS NULL THEN 1
                WHEN e ->> 'quantity' ~ '^[0-9]{1,18}$' THEN (e ->> 'quantity')::bigint END,
           e ->> 'idempotency_key', nullif(e -> 'metadata', 'null')::text,
           jsonb_typeof(e) = 'object' AND jsonb_typeof(e -> 'service') = 'string'
             AND coalesce(jsonb_typeof(e -> 'idempotency_key'), 'null') IN ('string', 'null')
      FROM jsonb_array_elements(CASE jsonb_typeof($1) WHEN 'array' THEN $1 END)
           WITH ORDINALITY AS a (e, n) ORDER BY n)");
  const pg::Rows rows = spi.RunLatest(statement, debits);
  if (rows.empty() || rows.size() > kMaxBatch) {
    throw Error(ErrorCode::kInvalidArgument, "debits must be an array of 1 to 10000 objects");
  }
  std::vector<Item> items(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    const auto quantity = row.Optional<int64_t>(2);
    try {
      if (!quantity || !row.Optional<bool>(5).value_or(false)) {
        throw Error(ErrorCode::kInvalidArgument, "the debit is malformed",
                    "It takes service, quantity, idempotency_key and metadata.");
      }
      items[i].debit = MakeDebit(row.Text(1), *quantity, row.Optional<std::string>(3),
                                 row.Optional<std::string>(4));
    } catch (const Error& error) {
      items[i].error = error;
    }
  }
  return items;
}

using Known = std::unordered_map<std::string, Transaction>;

// The keys of the batch with which something was made before; read only when an item has one. Each
// is looked up by itself: given all at once, the server may read every row of the account instead.
Known FindKnown(pg::Spi& spi, const Uuid& account_id, const std::vector<Item>& items) {
  static pg::Statement statement(R"(
    SELECT key FROM unnest($2) AS key
     CROSS JOIN LATERAL (SELECT 1 FROM latchkey.credit_transactions t
                          WHERE t.account_id = $1 AND t.idempotency_key = key LIMIT 1) AS made)");
  std::vector<pg::Value> keys;
  for (const Item& item : items) {
    if (item.debit && item.debit->idempotency.key) {
      keys.push_back(pg::ToValue(*item.debit->idempotency.key));
    }
  }
  Known known;
  if (keys.empty()) return known;
  const pg::Rows rows = spi.RunLatest(statement, account_id, pg::ToArray(TEXTOID, keys));
  for (uint64_t i = 0; i < rows.size(); ++i) known.emplace(rows[i].Text(1), Transaction{});
  return known;
}

class Batch {
 public:
  Batch(pg::Spi& spi, const Uuid& account_id, std::vector<Item>& items)
      : spi_(spi), account_id_(account_id), items_(items), book_(spi, account_id) {}

  void Run(bool atomic) {
    lots_ = LockAccount(spi_, account_id_, pg::Now());
    now_ = pg::Now();
    balance_ = Spendable(lots_, now_);
    RequireAccountRow(spi_, account_id_);
    known_ = FindKnown(spi_, account_id_, items_);
    for (size_t i = 0; i < items_.size(); ++i) {
      Item& item = items_[i];
      try {
        if (item.error) throw Error(*item.error);
        Decide(item);
      } catch (const Error& error) {
        if (atomic) ThrowOf(i + 1, error);
        item.error = error;
      }
    }
    if (!book_.Write(lots_)) {
      ThrowKeyInUse();
    }
    NoteBalance(spi_, account_id_, balance_);
  }

 private:
  [[noreturn]] static void ThrowOf(size_t position, const Error& error) {
    throw Error(error.code(), "debit " + std::to_string(position) + ": " + error.message(),
                error.detail(), error.hint());
  }

  void Decide(Item& item) {
    Debit& debit = *item.debit;
    const auto& key = debit.idempotency.key;
    if (key) {
      const auto found = known_.find(*key);
      if (found != known_.end()) return Replay(item, found->second);
    }
    const auto unit = CostPerUnit(spi_, debit.service);
    if (!unit) ThrowNoService(debit.service);
    debit.cost = CostOf(*unit, debit.quantity);
    if (balance_ < debit.cost) ThrowInsufficient(debit.cost, balance_);
    item.transaction = PostDebit(book_, lots_, debit, balance_, now_);
    balance_ -= debit.cost;
    if (key) known_.emplace(*key, item.transaction);
  }

  // Made by an earlier call, or by an earlier item of this one.
  void Replay(Item& item, const Transaction& first) {
    const Idempotency& idempotency = item.debit->idempotency;
    if (first.heading.id == Uuid{}) {
      item.transaction = *FindReplay(spi_, account_id_, idempotency);
      return;
    }
    if (first.heading.fingerprint != idempotency.fingerprint) {
      throw Error(ErrorCode::kIdempotencyMismatch,
                  "the idempotency key was used before with other arguments");
    }
    item.transaction = first;
    item.transaction.replayed = true;
  }

  pg::Spi& spi_;
  const Uuid account_id_;
  std::vector<Item>& items_;
  Book book_;
  std::vector<Lot> lots_;
  Known known_;
  pg::Timestamp now_;
  int64_t balance_ = 0;
};

}  // namespace

LATCHKEY_FUNCTION(debit_credits_batch, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  args.RequireValue(1, "debits");
  const auto atomic = args.Get<bool>(2, "atomic");
  permissions::Require(args, "credits.debit", account_id);
  pg::Spi spi;
  std::vector<Item> items = ReadItems(spi, args.AsIs(1, JSONBOID));
  Batch(spi, account_id, items).Run(atomic);
  spi.Finish();
  const Oid type = pg::TypeOid("credit_transaction");
  args.BeginSet();
  for (size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    pg::Value transaction;
    if (!item.error) {
      transaction = pg::Composite(type, TransactionRow(account_id, item.transaction));
    }
    std::optional<std::string> message;
    if (item.error) message = item.error->message();
    args.EmitRow({pg::ToValue(static_cast<int32_t>(i + 1)),
                  pg::ToValue(item.error ? Describe(item.error->code()).code : "ok"),
                  pg::ToValue(message), transaction});
  }
  return args.Void();
}

}  // namespace latchkey::credits
