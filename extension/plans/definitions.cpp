// set_plan, retire_plan and list_plans: what there is to subscribe to.
#include "extension/accounts/standing.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/plans/prices.hpp"

namespace latchkey::plans {

namespace {

constexpr size_t kMaxName = 200;
constexpr size_t kMaxDescription = 2000;

struct Definition {
  std::string display_name;
  std::optional<std::string> description;
  int32_t rank = 0;
  std::optional<int64_t> monthly_price_cents, yearly_price_cents;
  std::string currency = "usd";
  bool active = true;
  int32_t sort_order = 0;

  bool HasPricesOf(const Definition& other) const {
    return monthly_price_cents == other.monthly_price_cents &&
           yearly_price_cents == other.yearly_price_cents && currency == other.currency;
  }
  bool operator==(const Definition& other) const {
    return display_name == other.display_name && description == other.description &&
           rank == other.rank && HasPricesOf(other) && active == other.active &&
           sort_order == other.sort_order;
  }
};

[[noreturn]] void Refuse(std::string message, std::string hint = {}) {
  throw Error(ErrorCode::kInvalidArgument, std::move(message), {}, std::move(hint));
}

bool IsPlanKey(std::string_view key) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  return !key.empty() && key.size() <= 63 && kLetters.find(key[0]) != std::string_view::npos &&
         key.find_first_not_of(kAll) == std::string_view::npos;
}

bool IsCurrency(std::string_view text) {
  return text.size() == 3 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

void CheckDefinition(std::string_view key, const Definition& plan) {
  if (!IsPlanKey(key)) {
    Refuse("the key of a plan is malformed",
           "It takes a-z, 0-9, _ and - and begins with a letter; at most 63 characters.");
  }
  const size_t name = CountCodePoints(plan.display_name).value_or(0);
  if (name < 1 || name > kMaxName) Refuse("display_name must have from 1 to 200 characters");
  if (plan.description && plan.description->size() > kMaxDescription) {
    Refuse("description is longer than 2000 bytes");
  }
  if (plan.rank < 0) Refuse("rank must not be negative");
  if (plan.monthly_price_cents.value_or(0) < 0 || plan.yearly_price_cents.value_or(0) < 0) {
    Refuse("prices must not be negative");
  }
  if (!IsCurrency(plan.currency)) Refuse("currency must be three small letters, as usd");
  if (key == accounts::kFreePlan && (plan.rank != 0 || !plan.active)) {
    Refuse("plan \"free\" has rank 0 and is always on offer");
  }
}

std::optional<Definition> ReadDefinition(pg::Spi& spi, std::string_view key) {
  static pg::Statement statement(R"(
    SELECT display_name, description, rank, monthly_price_cents, yearly_price_cents, currency,
           active, sort_order
      FROM latchkey.plans WHERE key = $1 FOR UPDATE)");
  const pg::Rows rows = spi.RunLatest(statement, key);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  return Definition{row.Text(1),
                    row.Optional<std::string>(2),
                    row.Get<int32_t>(3),
                    row.Optional<int64_t>(4),
                    row.Optional<int64_t>(5),
                    row.Text(6),
                    row.Get<bool>(7),
                    row.Get<int32_t>(8)};
}

// What the arguments leave out stays.
Definition Changed(const pg::Args& args, Definition plan) {
  if (const auto name = args.Optional<std::string>(1)) plan.display_name = *name;
  if (const auto text = args.Optional<std::string>(2)) {
    plan.description = text->empty() ? std::nullopt : text;
  }
  plan.rank = args.Optional<int32_t>(3).value_or(plan.rank);
  if (args.Get<bool>(11, "on_request")) {
    if (!args.IsNull(4) || !args.IsNull(5)) Refuse("a plan on request has no prices");
    plan.monthly_price_cents = plan.yearly_price_cents = std::nullopt;
  }
  if (const auto cents = args.Optional<int64_t>(4)) plan.monthly_price_cents = cents;
  if (const auto cents = args.Optional<int64_t>(5)) plan.yearly_price_cents = cents;
  if (const auto currency = args.Optional<std::string>(6)) plan.currency = *currency;
  plan.active = args.Optional<bool>(9).value_or(plan.active);
  plan.sort_order = args.Optional<int32_t>(10).value_or(plan.sort_order);
  return plan;
}

void Record(pg::Spi& spi, const LockedPlan& plan, const Definition& definition, const char* type) {
  JsonObject data;
  data.Add("version", int64_t{plan.version}).Add("rank", int64_t{definition.rank});
  if (definition.monthly_price_cents) {
    data.Add("monthly_price_cents", *definition.monthly_price_cents);
  }
  if (definition.yearly_price_cents) data.Add("yearly_price_cents", *definition.yearly_price_cents);
  data.Add("currency", definition.currency).Add("active", definition.active);
  events::Record(spi, {events::kPlatform, "plan", plan.key, type, data.ToString()});
}

// False when somebody else has just made it.
bool Insert(pg::Spi& spi, std::string_view key, const Definition& plan) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.plans (key, display_name, description, rank, monthly_price_cents,
                                yearly_price_cents, currency, active, sort_order)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING)");
  spi.RunLatest(statement, key, plan.display_name, plan.description, plan.rank,
                plan.monthly_price_cents, plan.yearly_price_cents, plan.currency, plan.active,
                plan.sort_order);
  return spi.affected() > 0;
}

void Update(pg::Spi& spi, LockedPlan& locked, const Definition& from, const Definition& to,
            bool for_subscribers) {
  static pg::Statement statement(R"(
    UPDATE latchkey.plans
       SET display_name = $2, description = $3, rank = $4, monthly_price_cents = $5,
           yearly_price_cents = $6, currency = $7, active = $8, sort_order = $9, updated_at = $10
     WHERE key = $1)");
  if (!to.HasPricesOf(from)) {
    const bool same_currency = to.currency == from.currency;
    BeginChange(spi, locked, for_subscribers,
                same_currency && to.monthly_price_cents == from.monthly_price_cents,
                same_currency && to.yearly_price_cents == from.yearly_price_cents);
  }
  spi.RunLatest(statement, locked.key, to.display_name, to.description, to.rank,
                to.monthly_price_cents, to.yearly_price_cents, to.currency, to.active,
                to.sort_order, pg::Now());
}

LockedPlan CreateOrChange(pg::Spi& spi, std::string_view key, const pg::Args& args) {
  auto from = ReadDefinition(spi, key);
  if (!from) {
    if (args.IsNull(1) || args.IsNull(3)) Refuse("a new plan needs display_name and rank");
    const Definition plan = Changed(args, {});
    CheckDefinition(key, plan);
    if (Insert(spi, key, plan)) {
      LockedPlan made = LockPlan(spi, key);
      Record(spi, made, plan, "plan.created");
      return made;
    }
    from = ReadDefinition(spi, key);
  }
  if (!from) throw Error(ErrorCode::kConflict, "the plan was deleted meanwhile; try again");
  const Definition to = Changed(args, *from);
  CheckDefinition(key, to);
  LockedPlan plan = LockPlan(spi, key);
  if (!(to == *from)) {
    Update(spi, plan, *from, to, args.Get<bool>(12, "apply_to_existing"));
    Record(spi, plan, to, from->active && !to.active ? "plan.retired" : "plan.changed");
  }
  return plan;
}

#define LATCHKEY_PLAN                                                                      \
  "SELECT p.key, p.version, p.display_name, p.description, p.rank, p.monthly_price_cents," \
  "       p.yearly_price_cents, p.currency,"                                               \
  "       (SELECT price_id FROM latchkey.plan_prices"                                      \
  "         WHERE plan = p.key AND active AND billing_interval = 'month'),"                \
  "       (SELECT price_id FROM latchkey.plan_prices"                                      \
  "         WHERE plan = p.key AND active AND billing_interval = 'year'),"                 \
  "       p.active, p.sort_order,"                                                         \
  "       (SELECT coalesce(jsonb_agg(jsonb_build_object('feature', f.feature,"             \
  "               'granted_limit', f.granted_limit, 'period', f.period)"                   \
  "               ORDER BY f.feature COLLATE \"C\"), '[]')"                                \
  "          FROM latchkey.plan_features f WHERE f.plan = p.key AND f.granted)"            \
  "  FROM latchkey.plans p"
constexpr int kPlanColumns = 13;

std::vector<pg::Value> PlanColumns(const pg::Row& row) {
  std::vector<pg::Value> columns;
  for (int i = 1; i <= kPlanColumns; ++i) columns.push_back(pg::ToValue(row.Copy(i)));
  return columns;
}

std::vector<pg::Value> LoadPlan(pg::Spi& spi, const std::string& key) {
  static pg::Statement statement(LATCHKEY_PLAN " WHERE p.key = $1");
  return PlanColumns(spi.RunLatest(statement, key)[0]);
}

}  // namespace

LATCHKEY_FUNCTION(set_plan, kOpen) {
  const auto key = args.Text(0, "key");
  args.RequireValue(12, "apply_to_existing");
  permissions::Require(args, "plans.write");
  pg::Spi spi;
  const LockedPlan plan = CreateOrChange(spi, key, args);
  SetPrice(spi, plan, "month", args.Optional<std::string>(7));
  SetPrice(spi, plan, "year", args.Optional<std::string>(8));
  const auto columns = LoadPlan(spi, plan.key);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(retire_plan, kOpen) {
  const auto key = args.Text(0, "plan");
  permissions::Require(args, "plans.write");
  static pg::Statement retire(
      "UPDATE latchkey.plans SET active = false, updated_at = $2 WHERE key = $1");
  pg::Spi spi;
  const LockedPlan plan = LockPlan(spi, key);
  Definition definition = *ReadDefinition(spi, key);
  const bool was_active = definition.active;
  definition.active = false;
  CheckDefinition(key, definition);
  if (was_active) {
    spi.RunLatest(retire, key, pg::Now());
    Record(spi, plan, definition, "plan.retired");
  }
  spi.Finish();
  return args.Return(was_active);
}

LATCHKEY_FUNCTION(list_plans, kOpen) {
  static pg::Statement statement(LATCHKEY_PLAN " WHERE p.active ORDER BY p.sort_order, p.key");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  std::vector<std::vector<pg::Value>> plans;
  for (uint64_t i = 0; i < rows.size(); ++i) plans.push_back(PlanColumns(rows[i]));
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : plans) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::plans
