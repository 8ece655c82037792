// hold_credits, capture_hold, release_hold.
#include "extension/credits/holds.hpp"

#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/debits.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::credits {

namespace {

constexpr int64_t kMaxLifetime = int64_t{366} * 86400 * 1000000;

struct Hold {
  Uuid id;
  std::string service;
  int64_t quantity = 0;
  int64_t amount = 0;
  int64_t captured = 0;
  std::string status = "active";
  pg::Timestamp expires_at;
  pg::Timestamp created_at;
  std::optional<pg::Timestamp> settled_at;
  bool replayed = false;
};

struct Share {
  Uuid lot_id;
  int64_t amount;
};

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
    throw Error(ErrorCode::kConflict, "an idempotency key is being used by another call", {},
                "Try again: the answer will be the first call's.");
  }
  SetAside(spi, account_id, hold, lots);
  Book(spi, account_id).Write(lots);
  NoteBalance(spi, account_id, balance - hold.amount);
  return hold;
}

std::vector<Share> SharesOf(pg::Spi& spi, const Uuid& account_id, const Uuid& hold_id) {
  static pg::Statement statement(R"(
    SELECT lot_id, amount FROM latchkey.credit_hold_lots
     WHERE account_id = $1 AND hold_id = $2 ORDER BY position)");
  std::vector<Share> shares;
  const pg::Rows rows = spi.RunLatest(statement, account_id, hold_id);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    shares.push_back({rows[i].Get<Uuid>(1), rows[i].Get<int64_t>(2)});
  }
  return shares;
}

void Settle(pg::Spi& spi, const Uuid& account_id, Hold& hold, const char* status,
            pg::Timestamp now) {
  static pg::Statement statement(R"(
    UPDATE latchkey.credit_holds SET status = $3, captured = $4, settled_at = $5
     WHERE account_id = $1 AND id = $2)");
  hold.status = status;
  hold.settled_at = now;
  spi.RunLatest(statement, account_id, hold.id, hold.status, hold.captured, now);
}

// What is not captured is available again; the rows of what is are posted.
void PostShares(Book& book, std::vector<Lot>& lots, const std::vector<Share>& shares,
                int64_t captured) {
  for (const Share& share : shares) {
    Lot* lot = FindLot(lots, share.lot_id);
    if (lot == nullptr || lot->held < share.amount) {
      throw Error(ErrorCode::kConflict, "a hold and its lots differ", {},
                  "SELECT * FROM latchkey.verify_ledger() names them.");
    }
    const int64_t spent = std::min(captured, share.amount);
    const int64_t back = share.amount - spent;
    lot->held -= back;
    lot->available = AddCredits(lot->available, back);
    lot->changed = true;
    if (spent > 0) book.PostHeld(*lot, -spent);
    captured -= spent;
  }
}

// What of the shares can be spent again when the capture leaves it.
int64_t Returned(std::vector<Lot>& lots, const std::vector<Share>& shares, int64_t captured,
                 pg::Timestamp now) {
  int64_t returned = 0;
  for (const Share& share : shares) {
    const int64_t spent = std::min(captured, share.amount);
    captured -= spent;
    const Lot* lot = FindLot(lots, share.lot_id);
    if (lot != nullptr && !lot->IsExpired(now)) returned += share.amount - spent;
  }
  return returned;
}

[[noreturn]] void ThrowOver(const Hold& hold) {
  const std::string state = hold.status == "active" ? "expired" : hold.status;
  throw Error(ErrorCode::kConflict, "the hold is " + state);
}

Transaction Capture(pg::Spi& spi, const Uuid& account_id, Hold hold,
                    const std::optional<int64_t>& quantity, const Idempotency& idempotency) {
  if (auto replay = FindReplay(spi, account_id, idempotency)) return *replay;
  pg::Timestamp now = pg::Now();
  if (hold.status != "active" || hold.expires_at <= now) ThrowOver(hold);
  const int64_t units = quantity.value_or(hold.quantity);
  if (units < 1 || units > hold.quantity) {
    throw Error(ErrorCode::kInvalidArgument,
                "quantity must be from 1 to what is held, " + std::to_string(hold.quantity));
  }
  hold.captured = hold.amount / hold.quantity * units;
  std::vector<Lot> lots = LockLots(spi, account_id);
  const std::vector<Share> shares = SharesOf(spi, account_id, hold.id);
  const int64_t balance_after =
      AddCredits(Spendable(lots, now), Returned(lots, shares, hold.captured, now));
  Transaction result;
  Heading& heading = result.heading;
  heading.id = NewUuid();
  heading.kind = "capture";
  heading.total = -hold.captured;
  heading.balance_after = balance_after;
  heading.quantity = units;
  heading.recorded_at = now;
  heading.related_id = hold.id;
  heading.service = hold.service;
  heading.idempotency_key = idempotency.key;
  heading.fingerprint = idempotency.fingerprint;
  Book book(spi, account_id);
  book.Open(heading);
  PostShares(book, lots, shares, hold.captured);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, idempotency, [] {});
  Settle(spi, account_id, hold, "captured", now);
  NoteBalance(spi, account_id, balance_after);
  return result;
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

LATCHKEY_FUNCTION(capture_hold, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto hold_id = args.Get<Uuid>(1, "hold_id");
  const auto quantity = args.Optional<int64_t>(2);
  permissions::Require(args, "credits.debit", account_id);
  const Idempotency idempotency =
      MakeIdempotency(args.Optional<std::string>(3),
                      {"capture;", hold_id.ToString(), quantity ? Spell(*quantity) : "-;"});
  pg::Spi spi;
  const Transaction result =
      Capture(spi, account_id, LockHold(spi, account_id, hold_id), quantity, idempotency);
  spi.Finish();
  return args.ReturnRow(TransactionRow(account_id, result));
}

LATCHKEY_FUNCTION(release_hold, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto hold_id = args.Get<Uuid>(1, "hold_id");
  permissions::Require(args, "credits.debit", account_id);
  pg::Spi spi;
  Hold hold = LockHold(spi, account_id, hold_id);
  if (hold.status == "captured") ThrowOver(hold);
  if (hold.status == "active") {
    std::vector<Lot> lots = LockLots(spi, account_id);
    const pg::Timestamp now = pg::Now();
    Book book(spi, account_id);
    PostShares(book, lots, SharesOf(spi, account_id, hold.id), 0);
    book.Write(lots);
    Settle(spi, account_id, hold, hold.expires_at <= now ? "expired" : "released", now);
    NoteBalance(spi, account_id, Spendable(lots, now));
  } else {
    hold.replayed = true;
  }
  spi.Finish();
  return args.ReturnRow(HoldRow(account_id, hold));
}

}  // namespace latchkey::credits
