// get_setting() and its typed kin, and the list of settings.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::settings {

namespace {

[[noreturn]] void ThrowType(std::string_view key, const std::string& type) {
  throw Error(ErrorCode::kInvalidArgument,
              "setting \"" + std::string(key) + "\" is of type " + type, {},
              "Read it with the function of its type, or as text with get_setting().");
}

// `statement` selects the value, null when it is of another type, and its type.
Datum ReturnTyped(pg::Args& args, pg::Statement& statement) {
  const auto key = args.Text(0, "key");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, key);
  if (rows.empty()) ThrowUnknown(key);
  const pg::Raw value = rows[0].Copy(1);
  const std::string type = rows[0].Text(2);
  spi.Finish();
  if (value.is_null) ThrowType(key, type);
  return value.value;
}

}  // namespace

LATCHKEY_FUNCTION(get_setting, kOpen) {
  static pg::Statement statement("SELECT value, type FROM latchkey.settings WHERE key = $1");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(setting_text, kOpen) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN type = 'text' THEN value END, type FROM latchkey.settings WHERE key = $1)");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(setting_number, kOpen) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN type IN ('integer', 'number') THEN value::numeric END, type
      FROM latchkey.settings WHERE key = $1)");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(setting_duration, kOpen) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN type = 'duration' THEN value::interval END, type
      FROM latchkey.settings WHERE key = $1)");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(setting_boolean, kOpen) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN type = 'boolean' THEN value::boolean END, type
      FROM latchkey.settings WHERE key = $1)");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(setting_json, kOpen) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN type = 'json' THEN value::jsonb END, type
      FROM latchkey.settings WHERE key = $1)");
  return ReturnTyped(args, statement);
}

LATCHKEY_FUNCTION(list_settings, kOpen) {
  const auto category = args.Optional<std::string_view>(0);
  permissions::Require(args, "settings.read");
  static pg::Statement statement(R"(
    SELECT key, category, value, default_value, type, minimum, maximum, choices, hot_reloadable,
           description, seeded, updated_at
      FROM latchkey.settings WHERE $1 IS NULL OR category = $1 ORDER BY key COLLATE "C")");
  constexpr int kColumns = 12;
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, category);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    result.emplace_back();
    for (int c = 1; c <= kColumns; ++c) result.back().push_back(pg::ToValue(rows[i].Copy(c)));
  }
  spi.Finish();
  args.BeginSet();
  for (const auto& setting : result) args.EmitRow(setting);
  return args.Void();
}

}  // namespace latchkey::settings
