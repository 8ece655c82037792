// Price ids, and what each names.
#include "extension/plans/prices.hpp"

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::plans {

namespace {

void CheckPriceId(std::string_view id) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!id.empty() && id.size() <= 255 && id.find_first_not_of(kAllowed) == std::string_view::npos) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument, "a price id is malformed",
              "It takes letters, digits and _; at most 255 characters.");
}

}  // namespace

void SetPrice(pg::Spi& spi, const LockedPlan& plan, const char* billing_interval,
              const std::optional<std::string>& price_id) {
  static pg::Statement leave(R"(
    UPDATE latchkey.plan_prices SET active = false
     WHERE plan = $1 AND billing_interval = $2 AND active AND price_id <> $3)");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.plan_prices (price_id, plan, first_version, version, billing_interval,
                                      active)
    VALUES ($1, $2, $3, $3, $4, true) ON CONFLICT (price_id) DO NOTHING)");
  static pg::Statement take_up(R"(
    UPDATE latchkey.plan_prices SET active = true
     WHERE price_id = $1 AND plan = $2 AND version = $3 AND billing_interval = $4 AND NOT active)");
  static pg::Statement current(R"(
    SELECT 1 FROM latchkey.plan_prices
     WHERE price_id = $1 AND plan = $2 AND version = $3 AND billing_interval = $4)");
  if (!price_id) return;
  CheckPriceId(*price_id);
  spi.RunLatest(leave, plan.key, billing_interval, *price_id);
  spi.RunLatest(insert, *price_id, plan.key, plan.version, billing_interval);
  if (spi.affected() == 0) {
    spi.RunLatest(take_up, *price_id, plan.key, plan.version, billing_interval);
  }
  if (spi.affected() > 0) {
    events::Record(spi, {events::kPlatform, "plan", plan.key, "plan.price_set",
                         JsonObject()
                             .Add("price_id", *price_id)
                             .Add("version", int64_t{plan.version})
                             .Add("billing_interval", billing_interval)
                             .ToString()});
    return;
  }
  if (!spi.RunLatest(current, *price_id, plan.key, plan.version, billing_interval).empty()) return;
  throw Error(ErrorCode::kAlreadyExists, "price \"" + *price_id + "\" names something else", {},
              "SELECT * FROM latchkey.plan_of_price(…) tells what. Make a new price at Stripe.");
}

std::optional<PricedPlan> PlanOfPrices(pg::Spi& spi, const pg::Raw& price_ids) {
  static pg::Statement statement(R"(
    SELECT p.price_id, p.plan, d.rank
      FROM latchkey.plan_prices p JOIN latchkey.plans d ON d.key = p.plan
     WHERE p.price_id = ANY ($1) ORDER BY d.rank DESC, p.plan, p.version DESC, p.price_id LIMIT 1)");
  const pg::Rows rows = spi.RunLatest(statement, price_ids);
  if (rows.empty()) return std::nullopt;
  return PricedPlan{rows[0].Text(1), rows[0].Text(2), rows[0].Get<int32_t>(3)};
}

// An active price names the plan's newest version: so what it named then is what was the newest
// then, within all that it has named.
int32_t VersionOfPrice(pg::Spi& spi, const std::string& price_id, pg::Timestamp at) {
  static pg::Statement statement(R"(
    SELECT greatest(p.first_version, least(p.version, (
             SELECT min(v.version) FROM latchkey.plan_versions v
              WHERE v.plan = p.plan AND v.superseded_at > $2)))
      FROM latchkey.plan_prices p WHERE p.price_id = $1)");
  return spi.RunLatest(statement, price_id, at)[0].Get<int32_t>(1);
}

// Anybody may ask: a price id stands on every checkout page.
LATCHKEY_FUNCTION(plan_of_price, kOpen) {
  const auto price_id = args.Text(0, "price_id");
  static pg::Statement statement(R"(
    SELECT plan, version, billing_interval, active
      FROM latchkey.plan_prices WHERE price_id = $1)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, price_id);
  if (rows.empty()) {
    throw Error(ErrorCode::kNotFound, "no plan has price \"" + std::string(price_id) + "\"");
  }
  const std::string plan = rows[0].Text(1);
  const auto version = rows[0].Get<int32_t>(2);
  const std::string billing_interval = rows[0].Text(3);
  const bool active = rows[0].Get<bool>(4);
  spi.Finish();
  return args.ReturnRow({pg::ToValue(plan), pg::ToValue(version), pg::ToValue(billing_interval),
                         pg::ToValue(active)});
}

}  // namespace latchkey::plans
