// Linking customers by hand, and applying events again.
#include "extension/accounts/users.hpp"
#include "extension/billing/customers.hpp"
#include "extension/billing/events.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::billing {

namespace {

constexpr int32_t kMaxBatch = 100000;
constexpr int32_t kPage = 1000;

void CheckCustomer(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!id.empty() && id.size() <= 255 && id.find_first_not_of(kAllowed) == std::string_view::npos) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument, "stripe_customer_id is malformed", {},
              "It takes letters, digits and _, as cus_…; at most 255 characters.");
}

std::vector<std::string> Ids(const pg::Rows& rows) {
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Text(1));
  return ids;
}

// What may be applied now. Spent credits may have been bought again; those come last, as they are
// likely to wait on.
std::vector<std::string> Resolvable(pg::Spi& spi, int32_t batch) {
  static pg::Statement statement(R"(
    SELECT e.stripe_event_id FROM latchkey.billing_events e
     WHERE e.outcome = 'parked' AND CASE e.reason
             WHEN 'unknown_customer' THEN EXISTS (
               SELECT FROM latchkey.stripe_customers c
                WHERE c.stripe_customer_id = e.waits_for AND c.account_id IS NOT NULL)
             WHEN 'unknown_account' THEN EXISTS (
               SELECT FROM latchkey.accounts a WHERE a.id = e.waits_for::uuid)
             WHEN 'unknown_price' THEN EXISTS (
               SELECT FROM latchkey.plan_prices p WHERE p.price_id = e.waits_for)
             WHEN 'unknown_payment' THEN EXISTS (
               SELECT FROM latchkey.billing_transactions t
                WHERE t.stripe_payment_intent_id = e.waits_for)
             ELSE e.reason = 'credits_spent' END
     ORDER BY e.reason = 'credits_spent', e.created_at, e.stripe_event_id LIMIT $1)");
  return Ids(spi.RunLatest(statement, batch));
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

struct Position {
  pg::Timestamp created_at{-211813488000000000};  // before all
  std::string id;
};

// A page of all events in the order of Stripe's time; moves the position on.
std::vector<std::string> NextPage(Position& position) {
  static pg::Statement statement(R"(
    SELECT stripe_event_id, created_at FROM latchkey.billing_events
     WHERE (created_at, stripe_event_id) > ($1, $2)
     ORDER BY created_at, stripe_event_id LIMIT $3)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(statement, position.created_at, position.id, kPage);
  std::vector<std::string> ids = Ids(rows);
  if (!ids.empty()) position = {rows[ids.size() - 1].Get<pg::Timestamp>(2), ids.back()};
  spi.Finish();
  return ids;
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

LATCHKEY_FUNCTION(apply_parked_events, kOpen) {
  const auto batch = args.Get<int32_t>(0, "batch");
  permissions::Require(args, "billing.write");
  if (batch < 1 || batch > kMaxBatch) {
    throw Error(ErrorCode::kInvalidArgument, "batch must lie between 1 and 100000");
  }
  pg::RequireWritable("apply_parked_events()");
  pg::Spi spi;
  const std::vector<std::string> ids = Resolvable(spi, batch);
  spi.Finish();
  int64_t done = 0;
  for (const std::string& id : ids) done += ApplyAlone(id) != "parked" ? 1 : 0;
  return args.Return(done);
}

LATCHKEY_FUNCTION(replay_billing, kOpen) {
  permissions::Require(args, "billing.write");
  pg::RequireWritable("replay_billing()");
  int64_t total = 0, applied = 0, ignored = 0;
  Position position;
  for (auto ids = NextPage(position); !ids.empty(); ids = NextPage(position)) {
    for (const std::string& id : ids) {
      const std::string outcome = ApplyAlone(id);
      ++total;
      applied += outcome == "applied" ? 1 : 0;
      ignored += outcome == "ignored" ? 1 : 0;
    }
  }
  return args.ReturnRow({pg::ToValue(total), pg::ToValue(applied), pg::ToValue(ignored),
                         pg::ToValue(total - applied - ignored)});
}

}  // namespace latchkey::billing
