// grant_credits, and what other modules grant.
#include "extension/credits/grants.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::IntegerSetting kLotSlices("credits.lot_slices");

const char* KindOfGrant(std::string_view kind) {
  constexpr const char* kKinds[] = {"purchase", "bonus", "trial", "plan_allowance", "adjustment"};
  for (const char* known : kKinds) {
    if (kind == known) return known;
  }
  throw Error(ErrorCode::kInvalidArgument, "kind \"" + std::string(kind) + "\" is not known",
              "Known are purchase, bonus, trial, plan_allowance and adjustment.");
}

// The grant as lots, as equal as they can be; few credits stay together.
std::vector<Lot> MakeLots(const Lot& whole, int64_t amount, int64_t slices,
                          std::vector<int64_t>& shares) {
  if (amount < slices) slices = 1;
  std::vector<Lot> lots;
  for (int64_t i = 0; i < slices; ++i) {
    Lot lot = whole;
    lot.id = NewUuid();
    lot.slice = static_cast<int32_t>(i + 1);
    lot.is_new = true;
    lots.push_back(std::move(lot));
    shares.push_back(amount / slices + (i < amount % slices ? 1 : 0));
  }
  return lots;
}

}  // namespace

Transaction Grant(pg::Spi& spi, const Uuid& account_id, Heading heading, const Lot& whole,
                  const Idempotency& idempotency) {
  // Grants and refunds wait for each other here: none may carry the balance out of range.
  const int64_t booked = LockBalance(spi, account_id);
  if (auto replay = FindReplay(spi, account_id, idempotency)) return *replay;
  AddCredits(booked, heading.total);
  const int64_t balance = ReadSpendable(spi, account_id, heading.recorded_at);
  heading.balance_after = AddCredits(balance, heading.total);
  std::vector<int64_t> shares;
  std::vector<Lot> lots = MakeLots(whole, heading.total, kLotSlices.Get(spi), shares);
  Book book(spi, account_id);
  book.Open(heading);
  for (size_t i = 0; i < lots.size(); ++i) book.Post(lots[i], shares[i]);
  if (!book.Write(lots)) {
    return ReplayOr(spi, account_id, idempotency, [] {});
  }
  events::Record(spi, {account_id, "account", account_id.ToString(), "credits.granted",
                       JsonObject()
                           .Add("transaction_id", heading.id.ToString())
                           .Add("amount", heading.total)
                           .Add("kind", heading.kind)
                           .ToString()});
  NoteBalance(spi, account_id, heading.balance_after);
  return {heading, false};
}

LATCHKEY_FUNCTION(grant_credits, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  Heading heading;
  heading.id = NewUuid();
  heading.total = args.Get<int64_t>(1, "amount");
  heading.kind = KindOfGrant(args.Text(2, "kind"));
  heading.recorded_at = pg::Now();
  heading.reference = args.Optional<std::string>(5);
  if (!args.IsNull(7)) heading.metadata = pg::JsonText(args.AsIs(7, JSONBOID).value);
  Lot lot;
  lot.grant_id = heading.id;
  lot.kind = heading.kind;
  lot.priority = args.Get<int32_t>(3, "priority");
  lot.expires_at = args.Optional<pg::Timestamp>(4);
  lot.granted_at = heading.recorded_at;
  // Platform-wide only: a tenant's owner must not make credits out of nothing.
  permissions::Require(args, "credits.grant");
  if (heading.total < 1) {
    throw Error(ErrorCode::kInvalidArgument, "amount must be at least 1");
  }
  const Idempotency idempotency =
      MakeIdempotency(args.Optional<std::string>(6),
                      {"grant;", Spell(heading.total), Spell(lot.kind), Spell(lot.priority),
                       lot.expires_at ? Spell(lot.expires_at->micros) : "-;",
                       Spell(heading.reference), Spell(heading.metadata)});
  heading.idempotency_key = idempotency.key;
  heading.fingerprint = idempotency.fingerprint;
  pg::Spi spi;
  Transaction result;
  if (lot.IsExpired(heading.recorded_at)) {
    result = ReplayOr(spi, account_id, idempotency, [] {
      throw Error(ErrorCode::kInvalidArgument, "expires_at must lie in the future");
    });
  } else {
    result = Grant(spi, account_id, heading, lot, idempotency);
  }
  spi.Finish();
  return args.ReturnRow(TransactionRow(account_id, result));
}

}  // namespace latchkey::credits
