// Reading an account without locks.
#include "extension/credits/outlook.hpp"

#include "extension/credits/storage.hpp"

namespace latchkey::credits {

namespace {

void Add(Outlook& outlook, Lot lot, pg::Timestamp now) {
  outlook.held |= lot.held > 0;
  if (!lot.IsExpired(now)) outlook.lots.push_back(std::move(lot));
}

Outlook ReadStored(const Uuid& account_id, pg::Timestamp now) {
  Outlook outlook;
  outlook.stored = true;
  std::vector<Lot> lots = FindOpenLots(account_id);
  outlook.lots.reserve(lots.size());
  for (Lot& lot : lots) Add(outlook, std::move(lot), now);
  if (!outlook.lots.empty()) outlook.threshold = FindThreshold(account_id);
  return outlook;
}

Outlook ReadBySpi(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement("SELECT " LATCHKEY_LOT_COLUMNS R"(,
           (SELECT t.threshold FROM latchkey.credit_thresholds t WHERE t.account_id = $1)
      FROM latchkey.credit_lots WHERE account_id = $1 AND open)",
                                 pg::Statement::kIndexed);
  Outlook outlook;
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  outlook.lots.reserve(rows.size());
  for (uint64_t i = 0; i < rows.size(); ++i) Add(outlook, LotFromRow(rows[i]), now);
  if (!rows.empty()) outlook.threshold = rows[0].Optional<int64_t>(14);
  return outlook;
}

}  // namespace

Outlook ReadOutlook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  Outlook outlook =
      IsStorageDirect() ? ReadStored(account_id, now) : ReadBySpi(spi, account_id, now);
  outlook.balance = Spendable(outlook.lots, now);
  return outlook;
}

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

bool IsNearThreshold(const Outlook& outlook, int64_t cost) {
  if (!outlook.threshold) return false;
  int64_t margin = 0;
  const auto lots = static_cast<int64_t>(outlook.lots.size());
  if (__builtin_mul_overflow(cost, lots, &margin)) return true;
  return outlook.balance - margin < *outlook.threshold;
}

}  // namespace latchkey::credits
