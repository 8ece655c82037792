// capture_hold and release_hold: what was set aside is spent, or returns.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/holds.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::credits {

namespace {

struct Share {
  Uuid lot_id;
  int64_t amount;
};

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
