// Transactions as answers, and the answers to calls that come again with their key.
#include "extension/core/error.hpp"
#include "extension/credits/ledger.hpp"

namespace latchkey::credits {

namespace {

const char* KnownKind(std::string_view kind) {
  constexpr const char* kKinds[] = {"debit",          "capture",    "refund",    "expiry",
                                    "split",          "purchase",   "bonus",     "trial",
                                    "plan_allowance", "adjustment", "revocation"};
  for (const char* known : kKinds) {
    if (kind == known) return known;
  }
  throw Error(ErrorCode::kInvalidArgument, "a transaction is of an unknown kind");
}

}  // namespace

std::vector<pg::Value> TransactionRow(const Uuid& account_id, const Transaction& transaction) {
  const Heading& heading = transaction.heading;
  pg::Value metadata;
  if (heading.metadata) metadata = pg::Value(pg::JsonParam(*heading.metadata));
  return {pg::ToValue(heading.id),
          pg::ToValue(account_id),
          pg::ToValue(heading.kind),
          pg::ToValue(heading.total),
          pg::ToValue(heading.service),
          pg::ToValue(heading.quantity),
          pg::ToValue(heading.balance_after),
          pg::ToValue(heading.reference),
          pg::ToValue(heading.related_id),
          metadata,
          pg::ToValue(heading.recorded_at),
          pg::ToValue(transaction.replayed)};
}

std::optional<Transaction> FindReplay(pg::Spi& spi, const Uuid& account_id,
                                      const Idempotency& idempotency) {
  static pg::Statement statement(R"(
    SELECT id, kind, total, service, quantity, balance_after, reference, related_id,
           metadata::text, recorded_at, fingerprint
      FROM latchkey.credit_transactions WHERE account_id = $1 AND idempotency_key = $2)");
  if (!idempotency.key) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(statement, account_id, *idempotency.key);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  if (row.Text(11) != idempotency.fingerprint) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  Transaction transaction;
  transaction.replayed = true;
  Heading& heading = transaction.heading;
  heading.id = row.Get<Uuid>(1);
  heading.kind = KnownKind(row.Text(2));
  heading.total = row.Get<int64_t>(3);
  heading.service = row.Optional<std::string>(4);
  heading.quantity = row.Optional<int64_t>(5);
  heading.balance_after = row.Get<int64_t>(6);
  heading.reference = row.Optional<std::string>(7);
  heading.related_id = row.Optional<Uuid>(8);
  heading.metadata = row.Optional<std::string>(9);
  heading.recorded_at = row.Get<pg::Timestamp>(10);
  return transaction;
}

void ThrowKeyInUse() {
  throw Error(ErrorCode::kConflict, "an idempotency key is being used by another call", {},
              "Try again: the answer will be the first call's.");
}

Transaction ReplayOr(pg::Spi& spi, const Uuid& account_id, const Idempotency& idempotency,
                     const std::function<void()>& raise) {
  if (auto replay = FindReplay(spi, account_id, idempotency)) return *replay;
  raise();
  throw Error(ErrorCode::kConflict, "the call was undone; try again");
}

}  // namespace latchkey::credits
