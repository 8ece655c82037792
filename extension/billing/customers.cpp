// Stripe's customers and the accounts to which they belong.
#include "extension/billing/customers.hpp"

#include "extension/core/json_object.hpp"

namespace latchkey::billing {

namespace {

enum class Life { kUnknown, kDeleted, kLiving };

Life LifeOf(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT u.status IS DISTINCT FROM 'deleted'
      FROM latchkey.accounts a LEFT JOIN latchkey.users u ON u.id = a.id WHERE a.id = $1)");
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  if (rows.empty()) return Life::kUnknown;
  return rows[0].Get<bool>(1) ? Life::kLiving : Life::kDeleted;
}

bool Settle(Application& application, const Uuid& account_id) {
  switch (LifeOf(application.spi, account_id)) {
    case Life::kUnknown:
      application.Park("unknown_account", account_id.ToString());
      return false;
    case Life::kDeleted:
      application.Ignore("account_deleted");
      return false;
    case Life::kLiving:
      break;
  }
  application.account_id = account_id;
  application.has_account = true;
  LockBilling(application.spi, account_id);
  return true;
}

}  // namespace

std::optional<Uuid> LockCustomer(pg::Spi& spi, const std::string& customer) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.stripe_customers (stripe_customer_id) VALUES ($1) ON CONFLICT DO NOTHING)");
  static pg::Statement lock(R"(
    SELECT account_id FROM latchkey.stripe_customers WHERE stripe_customer_id = $1
       FOR NO KEY UPDATE)");
  spi.RunLatest(insert, customer);
  return spi.RunLatest(lock, customer)[0].Optional<Uuid>(1);
}

void LockBilling(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.billing_accounts (account_id) VALUES ($1) ON CONFLICT DO NOTHING)");
  static pg::Statement lock(R"(
    SELECT 1 FROM latchkey.billing_accounts WHERE account_id = $1 FOR NO KEY UPDATE)");
  spi.RunLatest(insert, account_id);
  spi.RunLatest(lock, account_id);
}

void LinkCustomer(pg::Spi& spi, const std::string& customer, const Uuid& account_id,
                  pg::Timestamp at) {
  static pg::Statement link(R"(
    UPDATE latchkey.stripe_customers SET account_id = $2
     WHERE stripe_customer_id = $1 AND account_id IS NULL)");
  static pg::Statement later(R"(
    UPDATE latchkey.billing_accounts SET customer_linked_at = $2
     WHERE account_id = $1 AND (customer_linked_at, coalesce(
             (SELECT stripe_customer_id FROM latchkey.accounts WHERE id = $1), '')) < ($2, $3)
        OR account_id = $1 AND customer_linked_at IS NULL)");
  static pg::Statement name(R"(
    UPDATE latchkey.accounts SET stripe_customer_id = $2
     WHERE id = $1 AND stripe_customer_id IS DISTINCT FROM $2)");
  spi.RunLatest(link, customer, account_id);
  const bool is_new = spi.affected() > 0;
  spi.RunLatest(later, account_id, at, customer);
  if (spi.affected() > 0) spi.RunLatest(name, account_id, customer);
  if (!is_new) return;
  events::Record(spi, {account_id, "account", account_id.ToString(), "billing.customer_linked",
                       JsonObject().Add("stripe_customer_id", customer).ToString()});
}

bool FindByCheckout(Application& application, const StripeCheckout& checkout, bool links) {
  const auto named = ParseUuid(checkout.reference);
  std::optional<Uuid> owner;
  if (checkout.customer) owner = LockCustomer(application.spi, *checkout.customer);
  if (!named && !owner) {
    if (checkout.customer) {
      application.Park("unknown_customer", *checkout.customer);
    } else {
      application.Park("unknown_account");
    }
    return false;
  }
  if (named && owner && *named != *owner) {
    application.Park("customer_conflict");
    return false;
  }
  if (!Settle(application, named ? *named : *owner)) return false;
  if (!links || !checkout.customer) return true;
  LinkCustomer(application.spi, *checkout.customer, application.account_id, application.At());
  if (!owner) application.appeared.push_back(*checkout.customer);
  return true;
}

bool FindByCustomer(Application& application, const StripeId& customer) {
  if (!customer) {
    application.Park("unknown_customer");
    return false;
  }
  const auto owner = LockCustomer(application.spi, *customer);
  if (owner) return Settle(application, *owner);
  application.Park("unknown_customer", *customer);
  return false;
}

// Who checked out as a guest is no customer: only the payment tells whose the charge was.
bool FindByCharge(Application& application, const StripeCharge& charge) {
  static pg::Statement statement(R"(
    SELECT account_id FROM latchkey.billing_transactions WHERE stripe_payment_intent_id = $1
     ORDER BY account_id LIMIT 1)");
  if (charge.customer || !charge.payment_intent) {
    return FindByCustomer(application, charge.customer);
  }
  const pg::Rows rows = application.spi.RunLatest(statement, *charge.payment_intent);
  if (!rows.empty()) return Settle(application, rows[0].Get<Uuid>(1));
  application.Park("unknown_payment", *charge.payment_intent);
  return false;
}

}  // namespace latchkey::billing
