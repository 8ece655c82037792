// refund_credits: back to the lots that a debit came from, the last burned first.
#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/ledger.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::TextSetting kRefundExpired("credits.refund_expired");

struct Part {
  Uuid lot_id;
  int64_t amount;
};

struct Spent {
  std::vector<Part> parts;  // the last burned first
  std::string service;
  int64_t left = 0;  // what has not been refunded
};

// Locks the debit against other refunds of it.
Spent LockSpent(pg::Spi& spi, const Uuid& account_id, const Uuid& transaction_id) {
  static pg::Statement lock(R"(
    SELECT lot_id, amount, service FROM latchkey.credit_transactions
     WHERE account_id = $1 AND id = $2 AND kind IN ('debit', 'capture')
     ORDER BY part DESC FOR NO KEY UPDATE)");
  static pg::Statement refunded(R"(
    SELECT coalesce(sum(amount), 0)::bigint FROM latchkey.credit_transactions
     WHERE account_id = $1 AND related_id = $2 AND kind = 'refund')");
  Spent spent;
  const pg::Rows rows = spi.RunLatest(lock, account_id, transaction_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such debit");
  for (uint64_t i = 0; i < rows.size(); ++i) {
    spent.parts.push_back({rows[i].Get<Uuid>(1), -rows[i].Get<int64_t>(2)});
    spent.left += spent.parts.back().amount;
    spent.service = rows[i].Text(3);
  }
  int64_t back = spi.RunLatest(refunded, account_id, transaction_id)[0].Get<int64_t>(1);
  spent.left -= back;
  for (Part& part : spent.parts) {
    const int64_t taken = std::min(back, part.amount);
    part.amount -= taken;
    back -= taken;
  }
  return spent;
}

std::vector<Part> PartsOf(const Spent& spent, int64_t amount) {
  std::vector<Part> parts;
  for (const Part& part : spent.parts) {
    const int64_t share = std::min(amount, part.amount);
    if (share > 0) parts.push_back({part.lot_id, share});
    amount -= share;
  }
  return parts;
}

// In an expired lot's place, when the setting allows it.
Lot Successor(pg::Spi& spi, const Lot& expired, const Heading& heading) {
  if (kRefundExpired.Get(spi) != "new_lot") {
    throw Error(ErrorCode::kConflict, "the credits that the debit spent have expired since", {},
                "Setting credits.refund_expired = new_lot refunds them to a lot that does not.");
  }
  Lot lot;
  lot.id = NewUuid();
  lot.grant_id = heading.id;
  lot.slice = 1;
  lot.kind = expired.kind;
  lot.priority = expired.priority;
  lot.granted_at = heading.recorded_at;
  lot.is_new = true;
  return lot;
}

void PostRefund(pg::Spi& spi, Book& book, std::vector<Lot>& lots, const std::vector<Part>& parts,
                const Heading& heading) {
  for (const Part& part : parts) {
    const Lot* origin = FindLot(lots, part.lot_id);
    if (origin == nullptr) throw Error(ErrorCode::kConflict, "the debit's lot is not there");
    if (origin->IsExpired(heading.recorded_at)) {
      lots.push_back(Successor(spi, *origin, heading));
      lots.back().slice = static_cast<int32_t>(lots.size());
      book.Post(lots.back(), part.amount);
    } else {
      book.Post(*FindLot(lots, part.lot_id), part.amount);
    }
  }
}

struct Request {
  Uuid transaction_id;
  std::optional<int64_t> amount;
  Idempotency idempotency;
  std::optional<std::string> reference;
};

int64_t AmountOf(const Request& request, const Spent& spent) {
  const int64_t amount = request.amount.value_or(spent.left);
  if (amount < 1 && request.amount) {
    throw Error(ErrorCode::kInvalidArgument, "amount must be at least 1");
  }
  if (amount < 1 || amount > spent.left) {
    throw Error(ErrorCode::kConflict, "more would be refunded than was debited",
                std::to_string(spent.left) + " of it can still be refunded.");
  }
  return amount;
}

Transaction Refund(pg::Spi& spi, const Uuid& account_id, const Request& request) {
  const int64_t booked = LockBalance(spi, account_id);
  if (auto replay = FindReplay(spi, account_id, request.idempotency)) return *replay;
  const Spent spent = LockSpent(spi, account_id, request.transaction_id);
  Transaction result;
  Heading& heading = result.heading;
  heading.id = NewUuid();
  heading.kind = "refund";
  heading.total = AmountOf(request, spent);
  heading.related_id = request.transaction_id;
  heading.service = spent.service;
  heading.reference = request.reference;
  heading.idempotency_key = request.idempotency.key;
  heading.fingerprint = request.idempotency.fingerprint;
  AddCredits(booked, heading.total);
  const std::vector<Part> parts = PartsOf(spent, heading.total);
  std::vector<Uuid> ids;
  for (const Part& part : parts) ids.push_back(part.lot_id);
  std::vector<Lot> lots = LockLots(spi, account_id, ids);
  heading.recorded_at = pg::Now();
  heading.balance_after = AddCredits(Spendable(lots, heading.recorded_at), heading.total);
  Book book(spi, account_id);
  book.Open(heading);
  PostRefund(spi, book, lots, parts, heading);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, request.idempotency, [] {});
  events::Record(spi, {account_id, "account", account_id.ToString(), "credits.refunded",
                       JsonObject()
                           .Add("transaction_id", heading.id.ToString())
                           .Add("debit_id", request.transaction_id.ToString())
                           .Add("amount", heading.total)
                           .ToString()});
  NoteBalance(spi, account_id, heading.balance_after);
  return result;
}

}  // namespace

LATCHKEY_FUNCTION(refund_credits, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  Request request;
  request.transaction_id = args.Get<Uuid>(1, "transaction_id");
  request.amount = args.Optional<int64_t>(2);
  request.reference = args.Optional<std::string>(4);
  request.idempotency =
      MakeIdempotency(args.Optional<std::string>(3),
                      {"refund;", request.transaction_id.ToString(),
                       request.amount ? Spell(*request.amount) : "-;", Spell(request.reference)});
  // Platform-wide only: a tenant's owner must not make credits out of nothing.
  permissions::Require(args, "credits.refund");
  pg::Spi spi;
  const Transaction result = Refund(spi, account_id, request);
  spi.Finish();
  return args.ReturnRow(TransactionRow(account_id, result));
}

}  // namespace latchkey::credits
