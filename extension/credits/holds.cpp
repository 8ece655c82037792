// Reading and locking holds.
#include "extension/credits/holds.hpp"

#include "extension/core/error.hpp"

namespace latchkey::credits {

namespace {

#define LATCHKEY_HOLD_COLUMNS                                                        \
  "SELECT id, service, quantity, amount, captured, status, expires_at, created_at, " \
  "settled_at, fingerprint FROM latchkey.credit_holds WHERE account_id = $1 AND "

Hold FromRow(const pg::Row& row) {
  Hold hold;
  hold.id = row.Get<Uuid>(1);
  hold.service = row.Text(2);
  hold.quantity = row.Get<int64_t>(3);
  hold.amount = row.Get<int64_t>(4);
  hold.captured = row.Get<int64_t>(5);
  hold.status = row.Text(6);
  hold.expires_at = row.Get<pg::Timestamp>(7);
  hold.created_at = row.Get<pg::Timestamp>(8);
  hold.settled_at = row.Optional<pg::Timestamp>(9);
  return hold;
}

}  // namespace

std::vector<pg::Value> HoldRow(const Uuid& account_id, const Hold& hold) {
  return {pg::ToValue(hold.id),         pg::ToValue(account_id),      pg::ToValue(hold.service),
          pg::ToValue(hold.quantity),   pg::ToValue(hold.amount),     pg::ToValue(hold.captured),
          pg::ToValue(hold.status),     pg::ToValue(hold.expires_at), pg::ToValue(hold.created_at),
          pg::ToValue(hold.settled_at), pg::ToValue(hold.replayed)};
}

std::optional<Hold> FindHeld(pg::Spi& spi, const Uuid& account_id, const Idempotency& idempotency) {
  static pg::Statement statement(LATCHKEY_HOLD_COLUMNS "idempotency_key = $2");
  if (!idempotency.key) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(statement, account_id, *idempotency.key);
  if (rows.empty()) return std::nullopt;
  if (rows[0].Text(10) != idempotency.fingerprint) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  Hold hold = FromRow(rows[0]);
  hold.replayed = true;
  return hold;
}

Hold LockHold(pg::Spi& spi, const Uuid& account_id, const Uuid& hold_id) {
  static pg::Statement statement(LATCHKEY_HOLD_COLUMNS "id = $2 FOR UPDATE");
  const pg::Rows rows = spi.RunLatest(statement, account_id, hold_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such hold");
  return FromRow(rows[0]);
}

}  // namespace latchkey::credits
