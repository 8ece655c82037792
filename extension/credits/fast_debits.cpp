// One of several lots, and splitting a lot where debits meet.
#include "extension/credits/fast_debits.hpp"

#include <algorithm>

#include "extension/credits/expired_holds.hpp"
#include "extension/credits/lot_locks.hpp"
#include "extension/credits/only_lot.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::IntegerSetting kMaxSlices("credits.max_slices");
// A part that is worth splitting off serves this many debits like the one that was kept waiting.
constexpr int64_t kDebitsPerSlice = 32;
constexpr size_t kParts = 4;  // of a lot that is split

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

// All lots that would do are taken: waits for one of them, and splits it when that happens again
// and again. (Two that meet once, of many accounts, are no reason: each debit reads all lots.)
std::optional<Transaction> DebitContended(pg::Spi& spi, const Uuid& account_id, const Debit& debit,
                                          const Outlook& before, const Candidates& candidates) {
  auto lot = LockOne(spi, account_id, before, candidates, debit.cost, Patience::kWait);
  const pg::Timestamp now = pg::Now();  // waiting may have taken a while
  if (!lot || lot->IsExpired(now)) return std::nullopt;
  const Outlook outlook = ReadOutlook(spi, account_id, now);
  Book book(spi, account_id);
  book.Open(HeadingOf(debit, outlook.balance - debit.cost, now));
  book.Post(*lot, -debit.cost);
  std::vector<Lot> lots = {*lot};
  if (NoteContention(account_id, now)) {
    lots = SplitContended(spi, book, *lot, debit, candidates.ids.size(), outlook);
  }
  if (!book.Write(lots)) return ReplayOr(spi, account_id, debit.idempotency, ThrowKeyInUse);
  if (IsNearThreshold(outlook, debit.cost)) {
    NoteBalance(spi, account_id, ReadSpendable(spi, account_id, now));
  }
  return book.Take(0);
}

}  // namespace

std::optional<Transaction> DebitFast(pg::Spi& spi, const Uuid& account_id, const Debit& debit) {
  const pg::Timestamp now = pg::Now();
  const Outlook outlook = ReadOutlook(spi, account_id, now);
  NoteLots(account_id, outlook.lots.size());
  const Candidates candidates = FindCandidates(outlook, debit.cost);
  if (candidates.ids.empty() || IsNearThreshold(outlook, debit.cost)) return std::nullopt;
  if (outlook.held && HasExpiredHolds(spi, account_id, now)) return std::nullopt;
  auto lot = LockOne(spi, account_id, outlook, candidates, debit.cost, Patience::kSkip);
  if (!lot) return DebitContended(spi, account_id, debit, outlook, candidates);
  if (lot->IsExpired(now)) return std::nullopt;
  Book book(spi, account_id);
  book.Open(HeadingOf(debit, outlook.balance - debit.cost, now));
  book.Post(*lot, -debit.cost);
  if (!book.WriteSingle(*lot)) return ReplayOr(spi, account_id, debit.idempotency, ThrowKeyInUse);
  return book.Take(0);
}

}  // namespace latchkey::credits
