// Linking customers by hand.
#include "extension/accounts/users.hpp"
#include "extension/billing/customers.hpp"
#include "extension/billing/events.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::billing {

namespace {

void CheckCustomer(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!id.empty() && id.size() <= 255 && id.find_first_not_of(kAllowed) == std::string_view::npos) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument, "stripe_customer_id is malformed", {},
              "It takes letters, digits and _, as cus_…; at most 255 characters.");
}

}  // namespace

LATCHKEY_FUNCTION(set_stripe_customer, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const std::string customer(args.Text(1, "stripe_customer_id"));
  permissions::Require(args, "billing.write");
  CheckCustomer(customer);
  pg::Spi spi;
  accounts::RequireLivingAccount(spi, account_id);
  const auto owner = LockCustomer(spi, customer);
  if (owner && *owner != account_id) {
    throw Error(ErrorCode::kAlreadyExists, "the customer is another account's");
  }
  LockBilling(spi, account_id);
  LinkCustomer(spi, customer, account_id, pg::Now());
  ApplyWaiting(spi, {customer});
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::billing
