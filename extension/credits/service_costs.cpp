// Service costs: the cache, setting and reading them.
#include "extension/credits/service_costs.hpp"

#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::credits {

namespace {

pg::TableCache cache("service_costs");

std::unordered_map<std::string, int64_t>& Costs() {
  static auto& costs = *new std::unordered_map<std::string, int64_t>;
  return costs;
}

bool IsServiceName(std::string_view name) {
  if (name.empty() || name.size() > 100 || name[0] < 'a' || name[0] > 'z') return false;
  for (const char c : name) {
    const bool letter = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '_' && c != '.' && c != ':' && c != '-') return false;
  }
  return true;
}

void CheckCost(std::string_view service, int64_t credits_per_unit) {
  if (!IsServiceName(service)) {
    throw Error(ErrorCode::kInvalidArgument, "the name of a service is malformed",
                "It takes a-z, 0-9, _ . : - and begins with a letter; at most 100 characters.");
  }
  if (credits_per_unit < 1) {
    throw Error(ErrorCode::kInvalidArgument, "credits_per_unit must be at least 1");
  }
}

void WriteCost(pg::Spi& spi, std::string_view service, int64_t credits_per_unit, bool active,
               pg::Timestamp now) {
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.service_costs (service, credits_per_unit, active, updated_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (service) DO UPDATE SET credits_per_unit = $2, active = $3, updated_at = $4)");
  static pg::Statement history(R"(
    INSERT INTO latchkey.service_cost_changes (service, id, credits_per_unit, active, actor_id,
                                               actor_role, changed_at)
    VALUES ($1, $2, $3, $4, $5, session_user, $6))");
  const pg::Identity* identity = pg::BoundIdentity();
  std::optional<Uuid> actor;
  if (identity != nullptr) actor = identity->user_id;
  spi.Run(upsert, service, credits_per_unit, active, now);
  spi.Run(history, service, NewUuid(), credits_per_unit, active, actor, now);
  events::Record(
      spi,
      {events::kPlatform, "service", std::string(service), "credits.cost_changed",
       JsonObject().Add("credits_per_unit", credits_per_unit).Add("active", active).ToString()});
}

}  // namespace

std::optional<int64_t> CostPerUnit(pg::Spi& spi, std::string_view service) {
  static pg::Statement statement(
      "SELECT service, credits_per_unit FROM latchkey.service_costs WHERE active");
  if (!cache.IsFresh()) {
    Costs().clear();
    cache.Reload(spi, statement,
                 [](const pg::Row& row) { Costs()[row.Text(1)] = row.Get<int64_t>(2); });
  }
  const auto found = Costs().find(std::string(service));
  if (found == Costs().end()) return std::nullopt;
  return found->second;
}

void ThrowNoService(std::string_view service) {
  throw Error(ErrorCode::kNotFound, "there is no active service \"" + std::string(service) + "\"",
              {}, "SELECT latchkey.set_service_cost(…) makes one.");
}

int64_t CostOf(int64_t credits_per_unit, int64_t quantity) {
  if (quantity < 1) {
    throw Error(ErrorCode::kInvalidArgument, "quantity must be at least 1");
  }
  int64_t cost = 0;
  if (__builtin_mul_overflow(credits_per_unit, quantity, &cost)) {
    throw Error(ErrorCode::kInvalidArgument, "the cost of this quantity is out of range");
  }
  return cost;
}

LATCHKEY_FUNCTION(set_service_cost, kOpen) {
  const auto service = args.Text(0, "service");
  const auto credits_per_unit = args.Get<int64_t>(1, "credits_per_unit");
  const auto active = args.Get<bool>(2, "active");
  permissions::Require(args, "credits.write");
  CheckCost(service, credits_per_unit);
  static pg::Statement current(R"(
    SELECT updated_at FROM latchkey.service_costs
     WHERE service = $1 AND credits_per_unit = $2 AND active = $3 FOR UPDATE)");
  pg::Spi spi;
  pg::Timestamp updated_at = pg::Now();
  const pg::Rows same = spi.RunLatest(current, service, credits_per_unit, active);
  if (same.empty()) {
    WriteCost(spi, service, credits_per_unit, active, updated_at);
  } else {
    updated_at = same[0].Get<pg::Timestamp>(1);
  }
  spi.Finish();
  return args.ReturnRow({pg::ToValue(service), pg::ToValue(credits_per_unit), pg::ToValue(active),
                         pg::ToValue(updated_at)});
}

LATCHKEY_FUNCTION(list_service_costs, kOpen) {
  static pg::Statement statement(R"(
    SELECT service, credits_per_unit, active, updated_at
      FROM latchkey.service_costs ORDER BY service COLLATE "C")");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    args.EmitRow({pg::ToValue(rows[i].Text(1)), pg::ToValue(rows[i].Get<int64_t>(2)),
                  pg::ToValue(rows[i].Get<bool>(3)), pg::ToValue(rows[i].Get<pg::Timestamp>(4))});
  }
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(service_cost_history, kOpen) {
  const auto service = args.Text(0, "service");
  permissions::Require(args, "credits.write");
  static pg::Statement statement(R"(
    SELECT id, credits_per_unit, active, actor_id, actor_role, changed_at
      FROM latchkey.service_cost_changes WHERE service = $1 ORDER BY id DESC)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, service);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    args.EmitRow({pg::ToValue(row.Get<Uuid>(1)), pg::ToValue(service),
                  pg::ToValue(row.Get<int64_t>(2)), pg::ToValue(row.Get<bool>(3)),
                  pg::ToValue(row.Optional<Uuid>(4)), pg::ToValue(row.Text(5)),
                  pg::ToValue(row.Get<pg::Timestamp>(6))});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::credits
