// Reading an account without locks.
#include "extension/credits/outlook.hpp"

namespace latchkey::credits {

Outlook ReadOutlook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT id, grant_id, slice, priority, expires_at, granted_at, available, held,
           (SELECT t.threshold FROM latchkey.credit_thresholds t WHERE t.account_id = $1)
      FROM latchkey.credit_lots WHERE account_id = $1 AND open)",
                                 pg::Statement::kIndexed);
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
