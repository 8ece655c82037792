// apply_parked_events and replay_billing: applying stored events again.
#include "extension/billing/batches.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::billing {

namespace {

constexpr int32_t kMaxBatch = 100000;

int32_t BatchSize(const pg::Args& args, int index) {
  const auto batch = args.Get<int32_t>(index, "batch");
  if (batch >= 1 && batch <= kMaxBatch) return batch;
  throw Error(ErrorCode::kInvalidArgument, "batch must lie between 1 and 100000");
}

std::vector<std::string> Ids(const pg::Rows& rows) {
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Text(1));
  return ids;
}

// What may be applied now. Spent credits may have been bought again; those come last, as they are
// likely to wait on.
std::vector<std::string> Resolvable(int32_t batch) {
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
  pg::Spi spi;
  auto ids = Ids(spi.RunLatest(statement, batch));
  spi.Finish();
  return ids;
}

// In the order of Stripe's time.
std::vector<std::string> EventsAfter(const std::optional<std::string>& after, int32_t batch) {
  static pg::Statement position(
      "SELECT created_at FROM latchkey.billing_events WHERE stripe_event_id = $1");
  static pg::Statement statement(R"(
    SELECT stripe_event_id FROM latchkey.billing_events
     WHERE (created_at, stripe_event_id) > ($1, $2)
     ORDER BY created_at, stripe_event_id LIMIT $3)");
  pg::Spi spi;
  pg::Timestamp since{PG_INT64_MIN};  // before all
  if (after) {
    const pg::Rows rows = spi.RunLatest(position, *after);
    if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such event");
    since = rows[0].Get<pg::Timestamp>(1);
  }
  auto ids = Ids(spi.RunLatest(statement, since, after.value_or(""), batch));
  spi.Finish();
  return ids;
}

}  // namespace

LATCHKEY_FUNCTION(apply_parked_events, kOpen) {
  const int32_t batch = BatchSize(args, 0);
  permissions::Require(args, "billing.write");
  pg::RequireWritable("apply_parked_events()");
  const Tally tally = ApplyBatch(Resolvable(batch));
  return args.Return(tally.applied + tally.ignored);
}

LATCHKEY_FUNCTION(replay_billing, kOpen) {
  const auto after = args.Optional<std::string>(0);
  const int32_t batch = BatchSize(args, 1);
  permissions::Require(args, "billing.write");
  pg::RequireWritable("replay_billing()");
  const auto ids = EventsAfter(after, batch);
  const Tally tally = ApplyBatch(ids);
  std::optional<std::string> last;
  if (tally.total == batch) last = ids.back();
  return args.ReturnRow({pg::ToValue(tally.total), pg::ToValue(tally.applied),
                         pg::ToValue(tally.ignored), pg::ToValue(tally.parked()),
                         pg::ToValue(last)});
}

}  // namespace latchkey::billing
