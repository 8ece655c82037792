// hold_credits: sets credits aside.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/debits.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/holds.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::credits {

namespace {

constexpr int64_t kMaxLifetime = int64_t{366} * 86400 * 1000000;

bool InsertHold(pg::Spi& spi, const Uuid& account_id, const Hold& hold, const Debit& debit) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.credit_holds (account_id, id, service, quantity, amount, expires_at,
                                       created_at, idempotency_key, fingerprint, metadata)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb)
    ON CONFLICT (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING)");
  spi.RunLatest(statement, account_id, hold.id, hold.service, hold.quantity, hold.amount,
                hold.expires_at, hold.created_at, debit.idempotency.key,
                pg::ToBytes(debit.idempotency.fingerprint), debit.metadata);
  return spi.affected() == 1;
}

void SetAside(pg::Spi& spi, const Uuid& account_id, const Hold& hold, std::vector<Lot>& lots) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.credit_hold_lots (account_id, hold_id, position, lot_id, amount)
    VALUES ($1, $2, $3, $4, $5))");
  int64_t rest = hold.amount;
  int32_t position = 0;
  for (Lot& lot : lots) {
    if (rest == 0) break;
    if (lot.IsExpired(hold.created_at) || lot.available == 0) continue;
    const int64_t amount = std::min(rest, lot.available);
    lot.available -= amount;
    lot.held = AddCredits(lot.held, amount);
    lot.changed = true;
    rest -= amount;
    spi.RunLatest(statement, account_id, hold.id, ++position, lot.id, amount);
  }
}

Hold MakeHold(pg::Spi& spi, const Uuid& account_id, const Debit& debit, int64_t lifetime) {
  std::vector<Lot> lots = LockAccount(spi, account_id, pg::Now());
  if (auto replay = FindHeld(spi, account_id, debit.idempotency)) return *replay;
  Hold hold;
  hold.id = NewUuid();
  hold.service = debit.service;
  hold.quantity = debit.quantity;
  hold.amount = debit.cost;
  hold.created_at = pg::Now();
  hold.expires_at = hold.created_at + lifetime;
  const int64_t balance = Spendable(lots, hold.created_at);
  if (balance < hold.amount) {
    RequireAccountRow(spi, account_id);
    ThrowInsufficient(hold.amount, balance);
  }
  if (!InsertHold(spi, account_id, hold, debit)) {
    ThrowKeyInUse();
  }
  SetAside(spi, account_id, hold, lots);
  Book(spi, account_id).Write(lots);
  NoteBalance(spi, account_id, balance - hold.amount);
  return hold;
}

}  // namespace

LATCHKEY_FUNCTION(hold_credits, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto service = args.Text(1, "service");
  const auto quantity = args.Get<int64_t>(2, "quantity");
  args.RequireValue(3, "expires_in");
  const auto key = args.Optional<std::string>(4);
  std::optional<std::string> metadata;
  if (!args.IsNull(5)) metadata = pg::JsonText(args.AsIs(5, JSONBOID).value);
  permissions::Require(args, "credits.debit", account_id);
  static pg::Statement micros(
      "SELECT (least(extract(epoch FROM $1), 100000000) * 1000000)::bigint");
  pg::Spi spi;
  const int64_t lifetime = spi.RunLatest(micros, args.AsIs(3, INTERVALOID))[0].Get<int64_t>(1);
  if (lifetime < 1 || lifetime > kMaxLifetime) {
    throw Error(ErrorCode::kInvalidArgument, "expires_in must lie between 0 and 366 days");
  }
  Debit debit = MakeDebit(service, quantity, std::nullopt, std::move(metadata));
  debit.idempotency = MakeIdempotency(key, {"hold;", Spell(debit.service), Spell(quantity),
                                            Spell(lifetime), Spell(debit.metadata)});
  std::optional<Hold> hold;
  if (const auto unit = CostPerUnit(spi, service)) {
    debit.cost = CostOf(*unit, quantity);
    hold = MakeHold(spi, account_id, debit, lifetime);
  } else {
    hold = FindHeld(spi, account_id, debit.idempotency);
    if (!hold) ThrowNoService(service);
  }
  spi.Finish();
  return args.ReturnRow(HoldRow(account_id, *hold));
}

}  // namespace latchkey::credits
