// Rules of groups: the cache, and set_job_rule, remove_job_rule, list_job_rules.
#include "extension/jobs/rules.hpp"

#include <map>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/jobs/store.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/table_cache.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::jobs {

namespace {

constexpr int32_t kMaxRunning = 100000;
constexpr int64_t kAnyLane = -1;

pg::TableCache cache("job_rules");
uint64_t generation = 0;
int32_t default_limit = 0;

using Key = std::pair<std::string, int64_t>;
std::map<Key, Rule>& Rules() {
  static auto& rules = *new std::map<Key, Rule>;
  return rules;
}

// As it stands in the table, whose key takes no null.
std::string GroupArgument(const pg::Args& args, int index) {
  const auto group_key = args.Optional<std::string>(index);
  if (group_key && (group_key->empty() || group_key->size() > 255)) {
    throw Error(ErrorCode::kInvalidArgument, "group_key must have from 1 to 255 bytes");
  }
  return group_key.value_or("");
}

void RecordChange(pg::Spi& spi, const std::string& type, const std::string& group_key,
                  const std::optional<Rule>& rule) {
  JsonObject data;
  data.Add("type", type);
  if (!group_key.empty()) data.Add("group_key", group_key);
  if (rule) data.Add("max_running", int64_t{rule->max_running});
  if (rule) data.Add("strict_order", rule->strict_order);
  events::Record(spi, {events::kPlatform, "job_rule", type, "job.rule_changed", data.ToString()});
}

std::vector<pg::Value> Columns(const std::string& type, const std::string& group_key,
                               const Rule& rule, pg::Timestamp updated_at) {
  pg::Value group;
  if (!group_key.empty()) group = pg::ToValue(group_key);
  return {pg::ToValue(type), group, pg::ToValue(rule.max_running), pg::ToValue(rule.strict_order),
          pg::ToValue(updated_at)};
}

}  // namespace

void RefreshRules(pg::Spi& spi) {
  static constexpr settings::IntegerSetting kLimit("jobs.group_concurrency");
  static pg::Statement statement(
      "SELECT type, group_key, max_running, strict_order FROM latchkey.job_rules");
  const auto limit = static_cast<int32_t>(kLimit.Get(spi));
  if (cache.IsFresh() && limit == default_limit) return;
  ++generation;
  default_limit = limit;
  Rules().clear();
  cache.Reload(spi, statement, [](const pg::Row& row) {
    const std::string group_key = row.Text(2);
    Rules()[{row.Text(1), group_key.empty() ? kAnyLane : LaneOf(group_key)}] = {row.Get<int32_t>(3),
                                                                                row.Get<bool>(4)};
  });
}

uint64_t RulesGeneration() { return generation; }

Rule RuleOf(const std::string& type, int64_t lane) {
  if (Rules().empty()) return {default_limit, false};
  auto found = Rules().find({type, lane});
  if (found == Rules().end()) found = Rules().find({type, kAnyLane});
  return found == Rules().end() ? Rule{default_limit, false} : found->second;
}

void SetRule(pg::Spi& spi, const std::string& type, const std::string& group_key, const Rule& rule,
             pg::Timestamp now) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.job_rules (type, group_key, max_running, strict_order, updated_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (type, group_key) DO UPDATE SET max_running = $3, strict_order = $4,
                                                updated_at = $5)");
  spi.RunLatest(statement, type, group_key, rule.max_running, rule.strict_order, now);
  RecordChange(spi, type, group_key, rule);
}

LATCHKEY_FUNCTION(set_job_rule, kOpen) {
  const std::string type(args.Text(0, "type"));
  const std::string group_key = GroupArgument(args, 1);
  const Rule rule{args.Get<int32_t>(2, "max_running"), args.Get<bool>(3, "strict_order")};
  permissions::Require(args, "jobs.write");
  CheckType(type);
  if (rule.max_running < 0 || rule.max_running > kMaxRunning) {
    throw Error(ErrorCode::kInvalidArgument, "max_running must lie between 0 and 100000");
  }
  pg::Spi spi;
  const pg::Timestamp now = pg::Now();
  SetRule(spi, type, group_key, rule, now);
  spi.Finish();
  return args.ReturnRow(Columns(type, group_key, rule, now));
}

LATCHKEY_FUNCTION(remove_job_rule, kOpen) {
  const std::string type(args.Text(0, "type"));
  const std::string group_key = GroupArgument(args, 1);
  permissions::Require(args, "jobs.write");
  static pg::Statement statement(
      "DELETE FROM latchkey.job_rules WHERE type = $1 AND group_key = $2");
  pg::Spi spi;
  spi.RunLatest(statement, type, group_key);
  if (spi.affected() == 0) throw Error(ErrorCode::kNotFound, "there is no such rule");
  RecordChange(spi, type, group_key, std::nullopt);
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(list_job_rules, kOpen) {
  permissions::Require(args, "jobs.read");
  static pg::Statement statement(R"(
    SELECT type, group_key, max_running, strict_order, updated_at FROM latchkey.job_rules
     ORDER BY type COLLATE "C", group_key COLLATE "C")");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const Rule rule{rows[i].Get<int32_t>(3), rows[i].Get<bool>(4)};
    args.EmitRow(Columns(rows[i].Text(1), rows[i].Text(2), rule, rows[i].Get<pg::Timestamp>(5)));
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::jobs
