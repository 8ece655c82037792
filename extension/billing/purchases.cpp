// Credits that were bought: granted once, taken back by refunds, and owed when they are spent.
#include <algorithm>

#include "extension/billing/payments.hpp"
#include "extension/core/json_object.hpp"
#include "extension/credits/grants.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::billing {

namespace {

constexpr settings::TextSetting kShortfall("billing.refund_shortfall");
constexpr int32_t kPriority = 100;  // as grant_credits()

struct Purchase {
  Uuid id;
  int64_t amount = 0;
  int64_t credits = 0;
  std::optional<Uuid> grant_id;
  int64_t revoked = 0;
  int64_t refunded = 0;  // cents

  std::string Reference() const { return "billing:" + id.ToString(); }

  // All for all; of a part as much, rounded down.
  int64_t Due() const {
    if (refunded >= amount) return refunded > 0 ? credits : 0;
    return static_cast<int64_t>(static_cast<__int128>(credits) * refunded / amount);
  }
};

std::optional<Purchase> Load(Application& a, const Uuid& payment_id) {
  static pg::Statement statement(R"(
    SELECT p.amount_cents, p.credits, p.credit_grant_id, p.credits_revoked,
           (SELECT coalesce(-sum(r.amount_cents), 0)::bigint FROM latchkey.billing_transactions r
             WHERE r.account_id = $1 AND r.kind = 'refund'
               AND r.stripe_payment_intent_id = p.stripe_payment_intent_id)
      FROM latchkey.billing_transactions p
     WHERE p.account_id = $1 AND p.id = $2 AND p.credits IS NOT NULL)");
  const pg::Rows rows = a.spi.RunLatest(statement, a.account_id, payment_id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return Purchase{payment_id,          row.Get<int64_t>(1),
                  row.Get<int64_t>(2), row.Optional<Uuid>(3),
                  row.Get<int64_t>(4), row.Get<int64_t>(5)};
}

void AddDebt(Application& a, int64_t change) {
  static pg::Statement statement(R"(
    UPDATE latchkey.billing_accounts SET credit_debt = credit_debt + $2 WHERE account_id = $1
    RETURNING credit_debt)");
  if (change == 0) return;
  const auto debt = a.spi.RunLatest(statement, a.account_id, change)[0].Get<int64_t>(1);
  events::Record(
      a.spi, {a.account_id, "account", a.account_id.ToString(),
              change > 0 ? "billing.credits_owed" : "billing.credits_settled",
              JsonObject().Add("credits", std::max(change, -change)).Add("debt", debt).ToString()});
}

// What is owed from refunds before is settled at once.
void GiveCredits(Application& a, Purchase& purchase) {
  static pg::Statement note(R"(
    UPDATE latchkey.billing_transactions SET credit_grant_id = $3
     WHERE account_id = $1 AND id = $2)");
  static pg::Statement owed(
      "SELECT credit_debt FROM latchkey.billing_accounts WHERE account_id = $1");
  credits::Heading heading;
  heading.id = NewUuid();
  heading.kind = "purchase";
  heading.total = purchase.credits;
  heading.recorded_at = pg::Now();
  heading.reference = purchase.Reference();
  credits::Lot lot;
  lot.grant_id = heading.id;
  lot.kind = heading.kind;
  lot.priority = kPriority;
  lot.granted_at = heading.recorded_at;
  credits::Grant(a.spi, a.account_id, heading, lot, {});
  purchase.grant_id = heading.id;
  a.spi.RunLatest(note, a.account_id, purchase.id, heading.id);
  const auto debt = a.spi.RunLatest(owed, a.account_id)[0].Get<int64_t>(1);
  if (debt == 0) return;
  AddDebt(a, -credits::Revoke(a.spi, a.account_id, heading.id, std::min(debt, purchase.credits),
                              false, purchase.Reference()));
}

}  // namespace

void SettleCredits(Application& a, const Uuid& payment_id) {
  static pg::Statement note(R"(
    UPDATE latchkey.billing_transactions SET credits_revoked = $3
     WHERE account_id = $1 AND id = $2)");
  auto purchase = Load(a, payment_id);
  if (!purchase) return;
  if (!purchase->grant_id) GiveCredits(a, *purchase);
  const int64_t due = purchase->Due();
  const int64_t missing = due - purchase->revoked;
  if (missing <= 0) return;
  const bool refuses = kShortfall.Get(a.spi) == "refuse";
  const int64_t taken = credits::Revoke(a.spi, a.account_id, *purchase->grant_id, missing, refuses,
                                        purchase->Reference());
  if (refuses && taken < missing) return a.Park("credits_spent", payment_id.ToString());
  AddDebt(a, missing - taken);
  a.spi.RunLatest(note, a.account_id, payment_id, due);
}

}  // namespace latchkey::billing
