// Locking what many events are of, and applying them one after the other.
#include "extension/billing/batches.hpp"

#include <set>

#include "extension/billing/customers.hpp"
#include "extension/billing/events.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::billing {

namespace {

// What says whose events are, each in the order in which it is locked.
struct Owners {
  std::set<std::string> customers;
  std::set<std::string> payments;  // of guests, who are no customers
  std::set<Uuid> accounts;
};

void Add(std::set<std::string>& ids, const StripeId& id) {
  if (id) ids.insert(*id);
}

void AddOwners(const StripeEvent& event, Owners& owners) {
  if (event.checkout) {
    Add(owners.customers, event.checkout->customer);
    if (const auto account_id = ParseUuid(event.checkout->reference)) {
      owners.accounts.insert(*account_id);
    }
  }
  if (event.subscription) Add(owners.customers, event.subscription->customer);
  if (event.invoice) Add(owners.customers, event.invoice->customer);
  if (event.card) Add(owners.customers, event.card->customer);
  if (!event.charge) return;
  Add(owners.customers, event.charge->customer);
  if (!event.charge->customer) Add(owners.payments, event.charge->payment_intent);
}

Owners OwnersOf(pg::Spi& spi, const std::vector<std::string>& event_ids) {
  Owners owners;
  for (const std::string& id : event_ids) AddOwners(LoadEvent(spi, id), owners);
  return owners;
}

template <typename Ids>
pg::Raw ToArray(Oid type, const Ids& ids) {
  std::vector<pg::Value> values;
  for (const auto& id : ids) values.push_back(pg::ToValue(id));
  return pg::ToArray(type, values);
}

void AddPayers(pg::Spi& spi, Owners& owners) {
  static pg::Statement statement(R"(
    SELECT DISTINCT account_id FROM latchkey.billing_transactions
     WHERE stripe_payment_intent_id = ANY ($1))");
  const pg::Rows rows = spi.RunLatest(statement, ToArray(TEXTOID, owners.payments));
  for (uint64_t i = 0; i < rows.size(); ++i) owners.accounts.insert(rows[i].Get<Uuid>(1));
}

// The accounts' rows too: their standings may change, one after the other.
void LockAccounts(pg::Spi& spi, const std::set<Uuid>& account_ids) {
  static pg::Statement existing("SELECT id FROM latchkey.accounts WHERE id = ANY ($1) ORDER BY id");
  static pg::Statement lock(R"(
    SELECT 1 FROM latchkey.accounts WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)");
  std::vector<Uuid> ids;
  const pg::Rows rows = spi.RunLatest(existing, ToArray(UUIDOID, account_ids));
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Get<Uuid>(1));
  for (const Uuid& id : ids) LockBilling(spi, id);
  spi.RunLatest(lock, ToArray(UUIDOID, ids));
}

void LockOwners(pg::Spi& spi, Owners& owners) {
  for (const std::string& customer : owners.customers) {
    if (const auto account_id = LockCustomer(spi, customer)) owners.accounts.insert(*account_id);
  }
  AddPayers(spi, owners);
  LockAccounts(spi, owners.accounts);
}

// A session for each event: what its statements allocate is free again before the next one.
std::string ApplyAlone(const std::string& id) {
  pg::CheckInterrupts();
  pg::Spi spi;
  std::vector<std::string> appeared;
  const std::string outcome = ApplyStored(spi, id, appeared);
  ApplyWaiting(spi, std::move(appeared));
  spi.Finish();
  return outcome;
}

}  // namespace

Tally ApplyBatch(const std::vector<std::string>& event_ids) {
  pg::Spi spi;
  Owners owners = OwnersOf(spi, event_ids);
  LockOwners(spi, owners);
  spi.Finish();
  Tally tally;
  for (const std::string& id : event_ids) {
    const std::string outcome = ApplyAlone(id);
    ++tally.total;
    tally.applied += outcome == "applied" ? 1 : 0;
    tally.ignored += outcome == "ignored" ? 1 : 0;
  }
  return tally;
}

}  // namespace latchkey::billing
