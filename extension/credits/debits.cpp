// debit_credits: a fast way that locks one lot that nobody else has, and an exact one that locks
// all of them.
#include "extension/credits/debits.hpp"

#include <algorithm>
#include <array>

#include "extension/core/error.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/holds.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/array.hpp"
#include "extension/pg/subtransaction.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::IntegerSetting kMaxSlices("credits.max_slices");
// A part that is worth splitting off serves this many debits like the one that was kept waiting.
constexpr int64_t kDebitsPerSlice = 32;
constexpr int64_t kAmpleDebits = 1000;
constexpr size_t kParts = 4;  // of a lot that is split

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

struct Candidates {
  std::vector<Uuid> ids;
  bool ample = true;  // each holds many times what is needed
};

// The slices of the grant that is to be burned first, each of which could take the whole debit.
Candidates FindCandidates(const Outlook& outlook, int64_t cost) {
  const Lot* first = nullptr;
  for (const Lot& lot : outlook.lots) {
    if (lot.available > 0 && (first == nullptr || BurnsBefore(lot, *first))) first = &lot;
  }
  Candidates candidates;
  if (first == nullptr) return candidates;
  for (const Lot& lot : outlook.lots) {
    if (lot.grant_id != first->grant_id || lot.available < cost) continue;
    candidates.ids.push_back(lot.id);
    if (lot.available / kAmpleDebits < cost) candidates.ample = false;
  }
  return candidates;
}

// So close to the threshold that debits at the same time could cross it together unseen.
bool IsNearThreshold(const Outlook& outlook, int64_t cost) {
  if (!outlook.threshold) return false;
  int64_t margin = 0;
  const auto lots = static_cast<int64_t>(outlook.lots.size());
  if (__builtin_mul_overflow(cost, lots, &margin)) return true;
  return outlook.balance - margin < *outlook.threshold;
}

// Of `ids`: those that nobody has locked; kWait waits for one of them instead.
enum class Patience { kSkip, kWait };

std::optional<Lot> LockAny(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& ids,
                           int64_t cost, Patience patience) {
#define LATCHKEY_LOT_TO_DEBIT                                                   \
  "SELECT id, available, held, seq, hash, grant_id, kind, priority, "           \
  "expires_at, granted_at FROM latchkey.credit_lots WHERE account_id = $1 AND " \
  "available >= $3 AND "
  static pg::Statement wait(LATCHKEY_LOT_TO_DEBIT "id = $2 FOR NO KEY UPDATE");
  static pg::Statement one(LATCHKEY_LOT_TO_DEBIT "id = $2 FOR NO KEY UPDATE SKIP LOCKED");
  static pg::Statement any(LATCHKEY_LOT_TO_DEBIT
                           "id = ANY ($2) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED");
  // Backends begin at different slices.
  const Uuid& mine = ids[MyProcPid % ids.size()];
  const bool waits = patience == Patience::kWait;
  pg::Rows rows = spi.RunLatest(waits ? wait : one, account_id, mine, cost);
  if (rows.empty() && ids.size() > 1 && !waits) {
    rows = spi.RunLatest(any, account_id, pg::ToArray(ids), cost);
  }
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  Lot lot;
  lot.id = row.Get<Uuid>(1);
  lot.available = row.Get<int64_t>(2);
  lot.held = row.Get<int64_t>(3);
  lot.seq = row.Get<int64_t>(4);
  lot.hash = row.Optional<std::string>(5);
  lot.grant_id = row.Get<Uuid>(6);
  lot.kind = row.Text(7);
  lot.priority = row.Get<int32_t>(8);
  lot.expires_at = row.Optional<pg::Timestamp>(9);
  lot.granted_at = row.Get<pg::Timestamp>(10);
  return lot;
}

// A lot that has been locked and turns out to hold too little stays locked, and who then waits for
// others, out of their order, may wait for ever. So it is given back. That costs a subtransaction;
// where there is very much it does not happen, or the server's deadlock detection ends it.
template <typename Lock>
std::optional<Lot> OrGiveBack(pg::Spi& spi, Lock&& lock) {
  pg::Subtransaction attempt(spi);
  std::optional<Lot> lot = lock();
  if (lot) {
    attempt.Commit();
  } else {
    attempt.Rollback();
  }
  return lot;
}

std::optional<Lot> LockOne(pg::Spi& spi, const Uuid& account_id, const Candidates& candidates,
                           int64_t cost, Patience patience) {
  const auto lock = [&] { return LockAny(spi, account_id, candidates.ids, cost, patience); };
  return candidates.ample ? lock() : OrGiveBack(spi, lock);
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

// Debits met at this lot: parts of it become new lots, so that the next ones pass each other. Not
// when somebody else has done so meanwhile.
std::vector<Lot> SplitContended(pg::Spi& spi, Book& book, Lot& lot, const Debit& debit,
                                size_t slices_before, const Outlook& outlook) {
  size_t slices = 0;
  int32_t last_slice = 0;
  for (const Lot& other : outlook.lots) {
    if (other.grant_id != lot.grant_id) continue;
    ++slices;
    last_slice = std::max(last_slice, other.slice);
  }
  std::vector<Lot> lots = {lot};
  const auto max_slices = static_cast<size_t>(kMaxSlices.Get(spi));
  if (slices > slices_before || slices >= max_slices) return lots;
  const auto parts = static_cast<int64_t>(std::min(kParts, max_slices - slices + 1));
  const int64_t share = lot.available / parts;
  if (share / kDebitsPerSlice < debit.cost) return lots;
  for (int64_t i = 1; i < parts; ++i) {
    lots.push_back(
        book.Split(lots[0], share, ++last_slice, outlook.balance - debit.cost, pg::Now()));
  }
  return lots;
}

// What this backend saw of an account when it debited it last.
struct Seen {
  Uuid account_id;
  bool several_lots = false;  // DebitOnly is not tried
  bool small = false;         // the only lot holds so little that it may have to be given back
};

Seen& SeenOf(const Uuid& account_id) {
  static auto& seen = *new std::array<Seen, 4096>{};
  const size_t slot = account_id.bytes[15] | (account_id.bytes[14] & 0x0f) << 8;
  Seen& entry = seen[slot];
  if (entry.account_id != account_id) entry = {account_id, false, false};
  return entry;
}

// Most accounts have one lot: that takes one statement to read and to lock.
// `least`: what it holds at the least before anything is locked.
std::optional<Lot> LockOnly(pg::Spi& spi, const Uuid& account_id, int64_t cost, int64_t least) {
  static pg::Statement statement(R"(
    SELECT id, available, seq, hash, expires_at,
           (SELECT t.threshold FROM latchkey.credit_thresholds t WHERE t.account_id = $1)
      FROM latchkey.credit_lots
     WHERE account_id = $1 AND open AND available >= $2 AND held = 0
       AND (SELECT CASE count(*) WHEN 1 THEN min(o.available) END
              FROM latchkey.credit_lots o WHERE o.account_id = $1 AND o.open) >= $3
       FOR NO KEY UPDATE SKIP LOCKED)");
  const pg::Rows rows = spi.RunLatest(statement, account_id, cost, least);
  if (rows.size() != 1) return std::nullopt;
  Lot lot;
  lot.id = rows[0].Get<Uuid>(1);
  lot.available = rows[0].Get<int64_t>(2);
  lot.seq = rows[0].Get<int64_t>(3);
  lot.hash = rows[0].Optional<std::string>(4);
  lot.expires_at = rows[0].Optional<pg::Timestamp>(5);
  const bool is_low = lot.available - cost < rows[0].Optional<int64_t>(6).value_or(0);
  if (lot.IsExpired(pg::Now()) || is_low) return std::nullopt;
  return lot;
}

// None: the account has several lots, or something else is out of the ordinary.
std::optional<Transaction> DebitOnly(pg::Spi& spi, const Uuid& account_id, const Debit& debit) {
  Seen& seen = SeenOf(account_id);
  if (seen.several_lots) return std::nullopt;
  std::optional<Lot> lot;
  int64_t ample = 0;
  if (!seen.small && !__builtin_mul_overflow(debit.cost, kAmpleDebits, &ample)) {
    lot = LockOnly(spi, account_id, debit.cost, ample);
  }
  if (!lot) {
    lot = OrGiveBack(spi, [&] { return LockOnly(spi, account_id, debit.cost, debit.cost); });
    seen.small = lot.has_value();
  }
  if (!lot) return std::nullopt;
  Book book(spi, account_id);
  Transaction result;
  result.heading = HeadingOf(debit, lot->available - debit.cost, pg::Now());
  book.Open(result.heading);
  book.Post(*lot, -debit.cost);
  if (!book.WriteSingle()) return ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  return result;
}

// All lots that would do are taken: waits for one of them, and splits it.
std::optional<Transaction> DebitContended(pg::Spi& spi, const Uuid& account_id, const Debit& debit,
                                          const Candidates& candidates) {
  auto lot = LockOne(spi, account_id, candidates, debit.cost, Patience::kWait);
  const pg::Timestamp now = pg::Now();  // waiting may have taken a while
  if (!lot || lot->IsExpired(now)) return std::nullopt;
  const Outlook outlook = ReadOutlook(spi, account_id, now);
  Book book(spi, account_id);
  Transaction result;
  result.heading = HeadingOf(debit, outlook.balance - debit.cost, now);
  book.Open(result.heading);
  book.Post(*lot, -debit.cost);
  std::vector<Lot> lots = SplitContended(spi, book, *lot, debit, candidates.ids.size(), outlook);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  if (IsNearThreshold(outlook, debit.cost)) {
    NoteBalance(spi, account_id, ReadSpendable(spi, account_id, now));
  }
  return result;
}

// None: the exact way has to decide.
std::optional<Transaction> DebitFast(pg::Spi& spi, const Uuid& account_id, const Debit& debit) {
  const pg::Timestamp now = pg::Now();
  const Outlook outlook = ReadOutlook(spi, account_id, now);
  SeenOf(account_id).several_lots = outlook.lots.size() > 1;
  const Candidates candidates = FindCandidates(outlook, debit.cost);
  if (candidates.ids.empty() || IsNearThreshold(outlook, debit.cost)) return std::nullopt;
  if (outlook.held && HasExpiredHolds(spi, account_id, now)) return std::nullopt;
  auto lot = LockOne(spi, account_id, candidates, debit.cost, Patience::kSkip);
  if (!lot) return DebitContended(spi, account_id, debit, candidates);
  if (lot->IsExpired(now)) return std::nullopt;
  Book book(spi, account_id);
  Transaction result;
  result.heading = HeadingOf(debit, outlook.balance - debit.cost, now);
  book.Open(result.heading);
  book.Post(*lot, -debit.cost);
  if (!book.WriteSingle()) return ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  return result;
}

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
  const Transaction result = PostDebit(book, lots, debit, balance, now);
  if (!book.Write(lots)) return ReplayOr(spi, account_id, debit.idempotency, ThrowUndone);
  NoteBalance(spi, account_id, balance - debit.cost);
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
