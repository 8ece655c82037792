// expire_credits: books what has expired. Nothing waits for it: expired credits can't be spent
// before it runs either.
#include "extension/core/error.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/ledger.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::credits {

namespace {

constexpr int32_t kMaxBatch = 100000;

struct Counts {
  int32_t lots = 0;
  int32_t holds = 0;
};

// In the order in which several sweeps at once lock them.
std::vector<Uuid> DueAccounts(pg::Spi& spi, pg::Timestamp now, int32_t batch) {
  static pg::Statement statement(R"(
    SELECT DISTINCT account_id FROM (
      (SELECT account_id FROM latchkey.credit_lots
        WHERE open AND expires_at <= $1 AND available > 0 LIMIT $2)
      UNION ALL
      (SELECT account_id FROM latchkey.credit_holds
        WHERE status = 'active' AND expires_at <= $1 LIMIT $2)) AS due
     ORDER BY account_id)");
  std::vector<Uuid> ids;
  const pg::Rows rows = spi.RunLatest(statement, now, static_cast<int64_t>(batch));
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  return ids;
}

void Sweep(pg::Spi& spi, const Uuid& account_id, Counts& counts) {
  static pg::Statement holds(R"(
    SELECT count(*)::integer FROM latchkey.credit_holds
     WHERE account_id = $1 AND status = 'active')");
  const int32_t active = spi.RunLatest(holds, account_id)[0].Get<int32_t>(1);
  const pg::Timestamp now = pg::Now();
  std::vector<Lot> lots = LockAccount(spi, account_id, now);
  const int64_t balance = Spendable(lots, now);
  Book book(spi, account_id);
  for (Lot& lot : lots) {
    if (!lot.IsExpired(now) || lot.available == 0) continue;
    Heading heading;
    heading.id = NewUuid();
    heading.kind = "expiry";
    heading.total = -lot.available;
    heading.balance_after = balance;
    heading.recorded_at = now;
    heading.related_id = lot.grant_id;
    book.Open(heading);
    book.Post(lot, -lot.available);
    ++counts.lots;
  }
  book.Write(lots);
  counts.holds += active - spi.RunLatest(holds, account_id)[0].Get<int32_t>(1);
  NoteBalance(spi, account_id, balance);
}

}  // namespace

LATCHKEY_FUNCTION(expire_credits, kOpen) {
  const auto batch = args.Get<int32_t>(0, "batch");
  permissions::Require(args, "credits.write");
  if (batch < 1 || batch > kMaxBatch) {
    throw Error(ErrorCode::kInvalidArgument, "batch must lie between 1 and 100000");
  }
  pg::RequireWritable("expire_credits()");
  pg::Spi spi;
  Counts counts;
  for (const Uuid& account_id : DueAccounts(spi, pg::Now(), batch)) {
    pg::CheckInterrupts();
    Sweep(spi, account_id, counts);
  }
  spi.Finish();
  return args.ReturnRow({pg::ToValue(counts.lots), pg::ToValue(counts.holds)});
}

}  // namespace latchkey::credits
