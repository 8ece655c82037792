// register_setting() and delete_setting(): settings of applications.
#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::settings {

namespace {

constexpr size_t kMaxKey = 100;
constexpr size_t kMaxDescription = 500;

void CheckType(std::string_view type) {
  for (const char* known : {"integer", "number", "duration", "boolean", "text", "json"}) {
    if (type == known) return;
  }
  throw Error(ErrorCode::kInvalidArgument, "\"" + std::string(type) + "\" is no type of a setting",
              {}, "There are integer, number, duration, boolean, text and json.");
}

}  // namespace

LATCHKEY_FUNCTION(register_setting, kOpen) {
  const std::string key(args.Text(0, "key"));
  const auto type = args.Text(1, "type");
  const auto default_value = args.Text(2, "default_value");
  const auto description = args.Text(3, "description");
  const auto hot_reloadable = args.Get<bool>(7, "hot_reloadable");
  permissions::Require(args, "settings.write");
  CheckType(type);
  // Keys have the form of permissions: words joined by dots.
  if (!IsPermissionName(key) || key.size() > kMaxKey) {
    throw Error(ErrorCode::kInvalidArgument,
                "key must be lower-case words joined by dots, of at most 100 bytes");
  }
  if (description.size() > kMaxDescription) {
    throw Error(ErrorCode::kInvalidArgument, "description is longer than 500 bytes");
  }
  static pg::Statement statement(R"(
    INSERT INTO latchkey.settings AS s (key, category, value, default_value, type, description,
                                        minimum, maximum, choices, hot_reloadable)
    VALUES ($1, split_part($1, '.', 1), $3, $3, $2, $4, $5, $6, $7, $8)
    ON CONFLICT (key) DO UPDATE
       SET default_value = EXCLUDED.default_value, type = EXCLUDED.type,
           description = EXCLUDED.description, minimum = EXCLUDED.minimum, maximum = EXCLUDED.maximum, choices = EXCLUDED.choices,
           hot_reloadable = EXCLUDED.hot_reloadable
     WHERE NOT s.seeded
    RETURNING value)");
  pg::Spi spi;
  const pg::Rows rows =
      spi.RunLatest(statement, key, type, default_value, description, args.AsIs(4, NUMERICOID),
                    args.AsIs(5, NUMERICOID), args.AsIs(6, TEXTARRAYOID), hot_reloadable);
  if (rows.empty()) throw Error(ErrorCode::kAlreadyExists, "this setting is built in");
  const std::string value = rows[0].Text(1);
  events::Record(spi, {events::kPlatform, "setting", key, "setting.registered"});
  spi.Finish();
  return args.Return(value);
}

LATCHKEY_FUNCTION(delete_setting, kOpen) {
  const std::string key(args.Text(0, "key"));
  permissions::Require(args, "settings.write");
  static pg::Statement find("SELECT seeded FROM latchkey.settings WHERE key = $1 FOR UPDATE");
  static pg::Statement remove("DELETE FROM latchkey.settings WHERE key = $1");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(find, key);
  if (rows.empty()) ThrowUnknown(key);
  if (rows[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "a built-in setting can't be deleted");
  }
  spi.RunLatest(remove, key);
  events::Record(spi, {events::kPlatform, "setting", key, "setting.deleted"});
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::settings
