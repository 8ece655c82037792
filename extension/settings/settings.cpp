// Settings: the cache, get_setting and set_setting, and the check of every new value.
#include "extension/settings/settings.hpp"

#include <memory>
#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/notify.hpp"
#include "extension/pg/table_cache.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/pg/trigger.hpp"

namespace latchkey::settings {

namespace {

struct Entry {
  std::string text;
  int64_t number = 0;  // of an integer; microseconds of a duration; 0 or 1 of a boolean
};

constexpr const char* kChannel = "latchkey_settings";  // gateways LISTEN on it

pg::TableCache cache("settings");

std::unordered_map<std::string_view, Entry>& Entries() {
  static auto& entries = *new std::unordered_map<std::string_view, Entry>;
  return entries;
}

// Keys are viewed by the map; they live here.
std::vector<std::unique_ptr<std::string>>& Keys() {
  static auto& keys = *new std::vector<std::unique_ptr<std::string>>;
  return keys;
}

void LoadAll(pg::Spi& spi) {
  static pg::Statement statement(R"(
    SELECT key, value,
           CASE type WHEN 'integer' THEN value::bigint
                     WHEN 'boolean' THEN value::boolean::int::bigint
                     WHEN 'duration' THEN (extract(epoch FROM value::interval) * 1000000)::bigint
                     ELSE 0 END
      FROM latchkey.settings)");
  Entries().clear();
  Keys().clear();
  cache.Reload(spi, statement, [](const pg::Row& row) {
    Keys().push_back(std::make_unique<std::string>(row.Text(1)));
    Entries()[*Keys().back()] = {row.Text(2), row.Get<int64_t>(3)};
  });
}

const Entry& Find(pg::Spi& spi, const char* key) {
  if (!cache.IsFresh()) LoadAll(spi);
  const auto found = Entries().find(key);
  if (found == Entries().end()) {
    throw Error(ErrorCode::kNotConfigured, std::string("setting \"") + key + "\" is missing", {},
                "Insert it again into latchkey.settings.");
  }
  return found->second;
}

}  // namespace

void ThrowUnknown(std::string_view key) {
  throw Error(ErrorCode::kNotFound, "there is no setting \"" + std::string(key) + "\"", {},
              "SELECT key, description FROM latchkey.settings lists them.");
}

int64_t IntegerSetting::Get(pg::Spi& spi) const { return Find(spi, key_).number; }
int64_t DurationSetting::Micros(pg::Spi& spi) const { return Find(spi, key_).number; }
bool BooleanSetting::Get(pg::Spi& spi) const { return Find(spi, key_).number != 0; }
std::string TextSetting::Get(pg::Spi& spi) const { return Find(spi, key_).text; }

LATCHKEY_FUNCTION(set_setting, kOpen) {
  const auto key = args.Text(0, "key");
  const auto value = args.Text(1, "value");
  permissions::Require(args, "settings.write");
  static pg::Statement statement(
      "UPDATE latchkey.settings SET value = $2 WHERE key = $1 AND value <> $2");
  static pg::Statement exists("SELECT 1 FROM latchkey.settings WHERE key = $1");
  pg::Spi spi;
  if (spi.Run(exists, key).empty()) ThrowUnknown(key);
  spi.Run(statement, key, value);
  spi.Finish();
  return args.Void();
}

namespace {

// The cast is the check: its error names the value that is wrong.
void CheckType(pg::Spi& spi, const std::string& type, const std::string& value) {
  static pg::Statement statement(R"(
    SELECT CASE $1 WHEN 'integer' THEN $2::bigint IS NOT NULL
                   WHEN 'number' THEN $2::numeric IS NOT NULL
                   WHEN 'boolean' THEN $2::boolean IS NOT NULL
                   WHEN 'duration' THEN $2::interval IS NOT NULL
                   WHEN 'json' THEN $2::jsonb IS NOT NULL
                   ELSE true END)");
  spi.Run(statement, type, value);
}

// What the server says against the value; empty when it is of the type.
std::string ProblemOf(pg::Spi& spi, const std::string& type, const std::string& value) {
  pg::Subtransaction attempt(spi);
  try {
    CheckType(spi, type, value);
    attempt.Commit();
    return {};
  } catch (const pg::BackendError& error) {
    if (ERRCODE_TO_CATEGORY(error.data()->sqlerrcode) != ERRCODE_DATA_EXCEPTION) throw;
    std::string problem = error.what();
    error.Free();
    attempt.Rollback();
    return problem;
  }
}

void CheckValue(pg::Spi& spi, const pg::RowTrigger& trigger, const std::string& value) {
  const std::string key = trigger.NewText("key");
  const std::string type = trigger.NewText("type");
  static pg::Statement bounds(R"(
    SELECT CASE $1 WHEN 'integer' THEN $2::numeric
                   WHEN 'number' THEN $2::numeric
                   WHEN 'duration' THEN extract(epoch FROM $2::interval)
                   WHEN 'text' THEN char_length($2) END
           BETWEEN coalesce($3, '-Infinity') AND coalesce($4, 'Infinity'),
           $2 = ANY ($5))");
  const std::string problem = ProblemOf(spi, type, value);
  if (!problem.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "setting \"" + key + "\" takes a value of type " + type,
                "The server says: " + problem + ".");
  }
  const pg::Rows rows = spi.Run(bounds, type, value, trigger.New("minimum"), trigger.New("maximum"),
                                trigger.New("choices"));
  if (!rows[0].Optional<bool>(1).value_or(true)) {
    throw Error(ErrorCode::kInvalidArgument, "the value of setting \"" + key + "\" is out of range",
                "Its columns minimum and maximum hold the bounds (durations in seconds, texts in "
                "characters).");
  }
  if (!rows[0].Optional<bool>(2).value_or(true)) {
    throw Error(ErrorCode::kInvalidArgument, "setting \"" + key + "\" does not take this value",
                "Its column choices lists what it takes.");
  }
}

}  // namespace

// BEFORE INSERT OR UPDATE ROW on settings: the value has the row's type and lies within its bounds.
// A change of it is dated, leaves an event and is notified, whoever makes it and by which
// statement.
LATCHKEY_FUNCTION(check_setting, kOpen) {
  pg::RowTrigger trigger(args);
  const std::string key = trigger.NewText("key");
  const std::string value = trigger.NewText("value");
  const std::string default_value = trigger.NewText("default_value");
  pg::Spi spi;
  CheckValue(spi, trigger, value);
  if (default_value != value) CheckValue(spi, trigger, default_value);
  const bool changed = trigger.IsUpdate() && trigger.OldText("value") != value;
  if (changed) {
    events::Record(spi, {events::kPlatform, "setting", key, "setting.changed",
                         JsonObject().Add("key", key).Add("value", value).ToString()});
    pg::Notify(kChannel, key);
  }
  spi.Finish();
  return changed ? trigger.KeepNewWith("updated_at", pg::Now()) : trigger.KeepNew();
}

}  // namespace latchkey::settings
