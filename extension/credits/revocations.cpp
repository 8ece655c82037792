// Taking back credits whose price was paid back.
#include <algorithm>

#include "extension/core/json_object.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/grants.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/events/events.hpp"

namespace latchkey::credits {

namespace {

int64_t Revocable(const Lot& lot, pg::Timestamp now) {
  return lot.kind == "purchase" && !lot.IsExpired(now) ? lot.available : 0;
}

void PostRevocation(Book& book, std::vector<Lot>& lots, const Uuid& grant_id, int64_t amount,
                    pg::Timestamp now) {
  for (const bool own : {true, false}) {
    for (Lot& lot : lots) {
      const int64_t share = std::min(amount, Revocable(lot, now));
      if ((lot.grant_id == grant_id) != own || share == 0) continue;
      book.Post(lot, -share);
      amount -= share;
    }
  }
}

}  // namespace

int64_t Revoke(pg::Spi& spi, const Uuid& account_id, const Uuid& grant_id, int64_t amount,
               bool whole, const std::string& reference) {
  LockBalance(spi, account_id);
  const pg::Timestamp now = pg::Now();
  std::vector<Lot> lots = LockAccount(spi, account_id, now);
  int64_t left = 0;
  for (const Lot& lot : lots) left = AddCredits(left, Revocable(lot, now));
  const int64_t taken = whole && left < amount ? 0 : std::min(amount, left);
  Book book(spi, account_id);
  Heading heading;
  heading.id = NewUuid();
  heading.kind = "revocation";
  heading.total = -taken;
  heading.balance_after = Spendable(lots, now) - taken;
  heading.recorded_at = now;
  heading.related_id = grant_id;
  heading.reference = reference;
  if (taken > 0) {
    book.Open(heading);
    PostRevocation(book, lots, grant_id, taken, now);
  }
  book.Write(lots);  // also what expired holds gave back
  if (taken == 0) return 0;
  events::Record(spi, {account_id, "account", account_id.ToString(), "credits.revoked",
                       JsonObject()
                           .Add("transaction_id", heading.id.ToString())
                           .Add("grant_id", grant_id.ToString())
                           .Add("amount", taken)
                           .ToString()});
  NoteBalance(spi, account_id, heading.balance_after);
  return taken;
}

}  // namespace latchkey::credits
