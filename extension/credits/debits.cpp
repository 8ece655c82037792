// debit_credits: ways that lock one lot that nobody else has, and an exact one that locks all of
// them.
#include "extension/credits/debits.hpp"

#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/fast_debits.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::credits {

Heading HeadingOf(const Debit& debit, int64_t balance_after, pg::Timestamp now) {
  Heading heading;
  heading.id = NewUuid();
  heading.kind = "debit";
  heading.total = -debit.cost;
  heading.balance_after = balance_after;
  heading.quantity = debit.quantity;
  heading.recorded_at = now;
  heading.service = debit.service;
  heading.metadata = debit.metadata;
  heading.idempotency_key = debit.idempotency.key;
  heading.fingerprint = debit.idempotency.fingerprint;
  return heading;
}

namespace {

Transaction DebitSlow(pg::Spi& spi, const Uuid& account_id, const Debit& debit) {
  const pg::Timestamp before = pg::Now();
  std::vector<Lot> lots = LockAccount(spi, account_id, before);
  if (auto replay = FindReplay(spi, account_id, debit.idempotency)) return *replay;
  const pg::Timestamp now = pg::Now();  // waiting may have taken a while
  const int64_t balance = Spendable(lots, now);
  if (balance < debit.cost) {
    RequireAccountRow(spi, account_id);
    ThrowInsufficient(debit.cost, balance);
  }
  Book book(spi, account_id);
  PostDebit(book, lots, debit, balance, now);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, debit.idempotency, ThrowKeyInUse);
  NoteBalance(spi, account_id, balance - debit.cost);
  return book.Take(0);
}

}  // namespace

Debit MakeDebit(std::string_view service, int64_t quantity, std::optional<std::string> key,
                std::optional<std::string> metadata) {
  Debit debit;
  debit.service = service;
  debit.quantity = quantity;
  debit.metadata = std::move(metadata);
  debit.idempotency = MakeIdempotency(
      std::move(key), {"debit;", Spell(debit.service), Spell(quantity), Spell(debit.metadata)});
  return debit;
}

void ThrowInsufficient(int64_t needed, int64_t available) {
  throw Error(
      ErrorCode::kInsufficientCredits, "the account has too few credits",
      std::to_string(needed) + " are needed, " + std::to_string(available) + " are available.");
}

void PostDebit(Book& book, std::vector<Lot>& lots, const Debit& debit, int64_t balance,
               pg::Timestamp now) {
  book.Open(HeadingOf(debit, balance - debit.cost, now));
  int64_t rest = debit.cost;
  for (Lot& lot : lots) {
    if (rest == 0) break;
    if (lot.IsExpired(now) || lot.available == 0) continue;
    const int64_t amount = std::min(rest, lot.available);
    book.Post(lot, -amount);
    rest -= amount;
  }
}

LATCHKEY_FUNCTION(debit_credits, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto service = args.Text(1, "service");
  const auto quantity = args.Get<int64_t>(2, "quantity");
  const auto key = args.Optional<std::string>(3);
  std::optional<std::string> metadata;
  if (!args.IsNull(4)) metadata = pg::JsonText(args.AsIs(4, JSONBOID).value);
  permissions::Require(args, "credits.debit", account_id);
  Debit debit = MakeDebit(service, quantity, key, std::move(metadata));
  pg::Spi spi;
  Transaction result;
  if (const auto unit = CostPerUnit(spi, service)) {
    debit.cost = CostOf(*unit, quantity);
    auto fast = DebitOnly(spi, account_id, debit);
    if (!fast) fast = DebitFast(spi, account_id, debit);
    result = fast ? std::move(*fast) : DebitSlow(spi, account_id, debit);
  } else {
    result = ReplayOr(spi, account_id, debit.idempotency, [&] { ThrowNoService(service); });
  }
  spi.Finish();
  return args.ReturnRow(TransactionRow(account_id, result));
}

}  // namespace latchkey::credits
