// Lists of events, transactions and cards.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::billing {

namespace {

constexpr int32_t kMaxRows = 1000;

int32_t PageSize(const pg::Args& args, int index) {
  const auto count = args.Get<int32_t>(index, "max_rows");
  if (count >= 1 && count <= kMaxRows) return count;
  throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
}

Datum ReturnRows(pg::Args& args, pg::Spi& spi, const pg::Rows& rows, int columns) {
  std::vector<std::vector<pg::Value>> result;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    std::vector<pg::Value>& row = result.emplace_back();
    for (int c = 1; c <= columns; ++c) row.push_back(pg::ToValue(rows[i].Copy(c)));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& row : result) args.EmitRow(row);
  return args.Void();
}

void CheckOutcome(const std::optional<std::string>& outcome) {
  if (!outcome || *outcome == "applied" || *outcome == "ignored" || *outcome == "parked") return;
  throw Error(ErrorCode::kInvalidArgument, "outcome must be applied, ignored or parked");
}

}  // namespace

LATCHKEY_FUNCTION(account_by_stripe_customer, kOpen) {
  const auto customer = args.Text(0, "stripe_customer_id");
  permissions::Require(args, "billing.read");
  static pg::Statement statement(R"(
    SELECT account_id FROM latchkey.stripe_customers
     WHERE stripe_customer_id = $1 AND account_id IS NOT NULL)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, customer);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "nobody has this customer");
  const auto account_id = rows[0].Get<Uuid>(1);
  spi.Finish();
  return args.Return(account_id);
}

LATCHKEY_FUNCTION(list_billing_events, kOpen) {
  const auto after = args.Optional<std::string>(0);
  const int32_t max_rows = PageSize(args, 1);
  const auto outcome = args.Optional<std::string>(2);
  const auto type = args.Optional<std::string>(3);
  permissions::Require(args, "billing.read");
  CheckOutcome(outcome);
  static pg::Statement statement(R"(
    SELECT stripe_event_id, type, created_at, received_at, outcome, reason, waits_for, detail,
           account_id, applied_at
      FROM latchkey.billing_events e
     WHERE ($1 IS NULL OR (created_at, stripe_event_id) < (
             SELECT p.created_at, p.stripe_event_id FROM latchkey.billing_events p
              WHERE p.stripe_event_id = $1))
       AND ($3 IS NULL OR outcome = $3) AND ($4 IS NULL OR type = $4)
     ORDER BY created_at DESC, stripe_event_id DESC LIMIT $2)",
                                 pg::Statement::kCustom);
  pg::Spi spi(pg::Spi::kReadOnly);
  return ReturnRows(args, spi, spi.Read(statement, after, max_rows, outcome, type), 10);
}

LATCHKEY_FUNCTION(list_billing_transactions, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = PageSize(args, 2);
  permissions::RequireAccount(args, account_id, "billing.read");
  static pg::Statement statement(R"(
    SELECT id, account_id, kind, amount_cents, currency, occurred_at, recorded_at,
           stripe_customer_id, stripe_checkout_id, stripe_invoice_id, stripe_payment_intent_id,
           stripe_subscription_id, stripe_charge_id, credits, credits_revoked
      FROM latchkey.billing_transactions
     WHERE account_id = $1 AND ($2 IS NULL OR (occurred_at, id) < (
             SELECT p.occurred_at, p.id FROM latchkey.billing_transactions p
              WHERE p.account_id = $1 AND p.id = $2))
     ORDER BY occurred_at DESC, id DESC LIMIT $3)");
  pg::Spi spi(pg::Spi::kReadOnly);
  return ReturnRows(args, spi, spi.Read(statement, account_id, after, max_rows), 15);
}

LATCHKEY_FUNCTION(list_payment_methods, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  permissions::RequireAccount(args, account_id, "billing.read");
  static pg::Statement statement(R"(
    SELECT stripe_payment_method_id, brand, last_four, expires_month, expires_year, updated_at
      FROM latchkey.billing_payment_methods WHERE account_id = $1 AND NOT detached
     ORDER BY updated_at DESC, stripe_payment_method_id)");
  pg::Spi spi(pg::Spi::kReadOnly);
  return ReturnRows(args, spi, spi.Read(statement, account_id), 6);
}

}  // namespace latchkey::billing
