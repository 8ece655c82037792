// Debiting an account that has one lot: one statement reads and locks it.
#include "extension/credits/only_lot.hpp"

#include <array>

#include "extension/credits/fast_debits.hpp"
#include "extension/credits/lot_locks.hpp"
#include "extension/credits/storage.hpp"

namespace latchkey::credits {

namespace {

// What this backend saw of an account when it debited it last.
struct Seen {
  Uuid account_id;
  bool several_lots = false;  // DebitOnly is not tried
  bool small = false;         // the only lot holds so little that it may have to be given back
  pg::Timestamp contended_at{};
};

constexpr int64_t kContentionLasts = 1000000;

Seen& SeenOf(const Uuid& account_id) {
  static auto& seen = *new std::array<Seen, 4096>{};
  const size_t slot = account_id.bytes[15] | (account_id.bytes[14] & 0x0f) << 8;
  Seen& entry = seen[slot];
  if (entry.account_id != account_id) entry = {account_id, false, false, {}};
  return entry;
}

// Most accounts have one lot: that takes one statement to read and to lock.
// `least`: what it holds at the least before anything is locked.
std::optional<Lot> LockOnly(pg::Spi& spi, const Uuid& account_id, int64_t cost, int64_t least) {
  static pg::Statement statement(R"(
    SELECT )" LATCHKEY_LOT_COLUMNS R"(,
           (SELECT t.threshold FROM latchkey.credit_thresholds t WHERE t.account_id = $1)
      FROM latchkey.credit_lots
     WHERE account_id = $1 AND open AND available >= $2 AND held = 0
       AND (SELECT CASE count(*) WHEN 1 THEN min(o.available) END
              FROM latchkey.credit_lots o WHERE o.account_id = $1 AND o.open) >= $3
       FOR NO KEY UPDATE SKIP LOCKED)",
                                 pg::Statement::kIndexed);
  const pg::Rows rows = spi.RunLatest(statement, account_id, cost, least);
  if (rows.size() != 1) return std::nullopt;
  Lot lot = LotFromRow(rows[0]);
  const bool is_low = lot.available - cost < rows[0].Optional<int64_t>(14).value_or(0);
  if (lot.IsExpired(pg::Now()) || is_low) return std::nullopt;
  return lot;
}

std::optional<Lot> FindOnlyStored(const Uuid& account_id, int64_t cost) {
  std::vector<Lot> lots = FindOpenLots(account_id);
  if (lots.size() != 1) return std::nullopt;
  Lot& lot = lots[0];
  if (lot.available < cost || lot.held != 0 || lot.IsExpired(pg::Now())) return std::nullopt;
  if (lot.available - cost < FindThreshold(account_id).value_or(0)) return std::nullopt;
  ReadHash(lot);
  return lot;
}

// The same without SPI. The lot that was found is changed at once, if nobody else has it; when the
// key turns out to be taken, it is changed back.
std::optional<Transaction> DebitOnlyStored(pg::Spi& spi, const Uuid& account_id,
                                           const Debit& debit) {
  auto lot = FindOnlyStored(account_id, debit.cost);
  if (!lot) return std::nullopt;
  const Lot before = *lot;
  Book book(spi, account_id);
  book.Open(HeadingOf(debit, lot->available - debit.cost, pg::Now()));
  book.Post(*lot, -debit.cost);
  if (!UpdateUnlocked(*lot)) return std::nullopt;
  if (book.InsertFirst()) return book.Take(0);
  UpdateLot(spi, account_id, before);
  return ReplayOr(spi, account_id, debit.idempotency, ThrowKeyInUse);
}

std::optional<Lot> LockOnlyBySpi(pg::Spi& spi, const Uuid& account_id, int64_t cost, Seen& seen) {
  int64_t ample = 0;
  if (!seen.small && !__builtin_mul_overflow(cost, kAmpleDebits, &ample)) {
    if (auto lot = LockOnly(spi, account_id, cost, ample)) return lot;
  }
  auto lot = OrGiveBack(spi, [&] { return LockOnly(spi, account_id, cost, cost); });
  seen.small = lot.has_value();
  return lot;
}

}  // namespace

void NoteLots(const Uuid& account_id, size_t lots) { SeenOf(account_id).several_lots = lots > 1; }

bool NoteContention(const Uuid& account_id, pg::Timestamp now) {
  Seen& seen = SeenOf(account_id);
  const bool again = now < seen.contended_at + kContentionLasts;
  seen.contended_at = now;
  return again;
}

std::optional<Transaction> DebitOnly(pg::Spi& spi, const Uuid& account_id, const Debit& debit) {
  Seen& seen = SeenOf(account_id);
  if (seen.several_lots) return std::nullopt;
  if (IsStorageDirect()) return DebitOnlyStored(spi, account_id, debit);
  auto lot = LockOnlyBySpi(spi, account_id, debit.cost, seen);
  if (!lot) return std::nullopt;
  Book book(spi, account_id);
  book.Open(HeadingOf(debit, lot->available - debit.cost, pg::Now()));
  book.Post(*lot, -debit.cost);
  if (!book.WriteSingle(*lot)) return ReplayOr(spi, account_id, debit.idempotency, ThrowKeyInUse);
  return book.Take(0);
}

}  // namespace latchkey::credits
