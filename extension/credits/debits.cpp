// debit_credits: a fast way that locks one lot that nobody else has, and an exact one that locks
// all of them.
#include "extension/credits/debits.hpp"

#include <algorithm>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/holds.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::IntegerSetting kMaxSlices("credits.max_slices");
// A slice that is worth having serves this many debits as large as the one that was kept waiting.
constexpr int64_t kDebitsPerSlice = 32;

struct Outlook {
  std::vector<Lot> lots;  // without seq and hash
  std::optional<int64_t> threshold;
  bool held = false;
  int64_t balance = 0;
};

// Without locks: what others do meanwhile decides only which way is taken.
Outlook ReadOutlook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT id, grant_id, slice, priority, expires_at, granted_at, available, held,
           (SELECT t.threshold FROM latchkey.credit_thresholds t WHERE t.account_id = $1)
      FROM latchkey.credit_lots WHERE account_id = $1 AND open)");
  Outlook outlook;
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  outlook.lots.reserve(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    Lot lot;
    lot.id = row.Get<Uuid>(1);
    lot.grant_id = row.Get<Uuid>(2);
    lot.slice = row.Get<int32_t>(3);
    lot.priority = row.Get<int32_t>(4);
    lot.expires_at = row.Optional<pg::Timestamp>(5);
    lot.granted_at = row.Get<pg::Timestamp>(6);
    lot.available = row.Get<int64_t>(7);
    outlook.held |= row.Get<int64_t>(8) > 0;
    if (i == 0) outlook.threshold = row.Optional<int64_t>(9);
    if (!lot.IsExpired(now)) outlook.lots.push_back(std::move(lot));
  }
  outlook.balance = Spendable(outlook.lots, now);
  return outlook;
}

// The slices of the grant that is to be burned first, each of which could take the whole debit.
std::vector<Uuid> Candidates(const Outlook& outlook, int64_t cost) {
  const Lot* first = nullptr;
  for (const Lot& lot : outlook.lots) {
    if (lot.available > 0 && (first == nullptr || BurnsBefore(lot, *first))) first = &lot;
  }
  std::vector<Uuid> ids;
  if (first == nullptr) return ids;
  for (const Lot& lot : outlook.lots) {
    if (lot.grant_id == first->grant_id && lot.available >= cost) ids.push_back(lot.id);
  }
  return ids;
}

// So close to the threshold that debits at the same time could cross it together unseen.
bool IsNearThreshold(const Outlook& outlook, int64_t cost) {
  if (!outlook.threshold) return false;
  int64_t margin = 0;
  const auto lots = static_cast<int64_t>(outlook.lots.size());
  if (__builtin_mul_overflow(cost, lots, &margin)) return true;
  return outlook.balance - margin < *outlook.threshold;
}

std::optional<Lot> TryLock(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& ids,
                           int64_t cost) {
  static pg::Statement one(R"(
    SELECT id, available, held, seq, hash FROM latchkey.credit_lots
     WHERE account_id = $1 AND id = $2 AND available >= $3 FOR NO KEY UPDATE SKIP LOCKED)");
  static pg::Statement any(R"(
    SELECT id, available, held, seq, hash FROM latchkey.credit_lots
     WHERE account_id = $1 AND id = ANY ($2) AND available >= $3 LIMIT 1
       FOR NO KEY UPDATE SKIP LOCKED)");
  // Backends begin at different slices.
  pg::Rows rows = spi.RunLatest(one, account_id, ids[MyProcPid % ids.size()], cost);
  if (rows.empty() && ids.size() > 1) {
    rows = spi.RunLatest(any, account_id, pg::ToArray(ids), cost);
  }
  if (rows.empty()) return std::nullopt;
  Lot lot;
  lot.id = rows[0].Get<Uuid>(1);
  lot.available = rows[0].Get<int64_t>(2);
  lot.held = rows[0].Get<int64_t>(3);
  lot.seq = rows[0].Get<int64_t>(4);
  lot.hash = rows[0].Optional<std::string>(5);
  return lot;
}

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

[[noreturn]] void ThrowUndone() {
  throw Error(ErrorCode::kConflict, "an idempotency key is being used by another call", {},
              "Try again: the answer will be the first call's.");
}

enum class Fast { kDone, kTooSmall, kLocked };

Fast DebitFast(pg::Spi& spi, const Uuid& account_id, const Debit& debit, Transaction& result) {
  const pg::Timestamp now = pg::Now();
  const Outlook outlook = ReadOutlook(spi, account_id, now);
  const std::vector<Uuid> candidates = Candidates(outlook, debit.cost);
  if (candidates.empty() || IsNearThreshold(outlook, debit.cost)) return Fast::kTooSmall;
  if (outlook.held && HasExpiredHolds(spi, account_id, now)) return Fast::kTooSmall;
  auto lot = TryLock(spi, account_id, candidates, debit.cost);
  if (!lot) return Fast::kLocked;
  Book book(spi, account_id);
  result.heading = HeadingOf(debit, outlook.balance - debit.cost, now);
  book.Open(result.heading);
  book.Post(*lot, -debit.cost);
  if (!book.WriteSingle()) {
    result = ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  }
  return Fast::kDone;
}

// Debits met at the grant's lots: the largest is split, so that the next ones pass each other.
void SplitWhereContended(pg::Spi& spi, Book& book, std::vector<Lot>& lots, const Debit& debit,
                         int64_t balance, pg::Timestamp now) {
  Lot* largest = nullptr;
  int64_t slices = 0;
  int32_t last_slice = 0;
  for (Lot& lot : lots) {
    if (lot.IsExpired(now) || lot.available == 0) continue;
    if (largest != nullptr && lot.grant_id != largest->grant_id) break;
    ++slices;
    last_slice = std::max(last_slice, lot.slice);
    if (largest == nullptr || lot.available > largest->available) largest = &lot;
  }
  if (largest == nullptr || slices >= kMaxSlices.Get(spi)) return;
  if (largest->available / (2 * kDebitsPerSlice) < debit.cost) return;
  Lot half = book.Split(*largest, balance, now);
  half.slice = last_slice + 1;
  lots.push_back(std::move(half));
}

Transaction DebitSlow(pg::Spi& spi, const Uuid& account_id, const Debit& debit, bool contended) {
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
  const Transaction result = PostDebit(book, lots, debit, balance, now);
  const int64_t balance_after = balance - debit.cost;
  if (contended) SplitWhereContended(spi, book, lots, debit, balance_after, now);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  NoteBalance(spi, account_id, balance_after);
  return result;
}

}  // namespace

Debit MakeDebit(std::string_view service, int64_t quantity, const std::optional<std::string>& key,
                std::optional<std::string> metadata) {
  Debit debit;
  debit.service = service;
  debit.quantity = quantity;
  debit.metadata = std::move(metadata);
  debit.idempotency = MakeIdempotency(
      key, {"debit;", Spell(debit.service), Spell(quantity), Spell(debit.metadata)});
  return debit;
}

void ThrowInsufficient(int64_t needed, int64_t available) {
  throw Error(
      ErrorCode::kInsufficientCredits, "the account has too few credits",
      std::to_string(needed) + " are needed, " + std::to_string(available) + " are available.");
}

Transaction PostDebit(Book& book, std::vector<Lot>& lots, const Debit& debit, int64_t balance,
                      pg::Timestamp now) {
  Transaction result;
  result.heading = HeadingOf(debit, balance - debit.cost, now);
  book.Open(result.heading);
  int64_t rest = debit.cost;
  for (Lot& lot : lots) {
    if (rest == 0) break;
    if (lot.IsExpired(now) || lot.available == 0) continue;
    const int64_t amount = std::min(rest, lot.available);
    book.Post(lot, -amount);
    rest -= amount;
  }
  return result;
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
    const Fast outcome = DebitFast(spi, account_id, debit, result);
    if (outcome != Fast::kDone) {
      result = DebitSlow(spi, account_id, debit, outcome == Fast::kLocked);
    }
  } else {
    result = ReplayOr(spi, account_id, debit.idempotency, [&] { ThrowNoService(service); });
  }
  spi.Finish();
  return args.ReturnRow(TransactionRow(account_id, result));
}

}  // namespace latchkey::credits
