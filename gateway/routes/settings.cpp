// Routes of the module `settings`.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxKey = 100;
constexpr size_t kMaxCategory = 100;
constexpr size_t kMaxValue = 10000;

Route ListSettings() {
  return Route("GET", "/api/settings", "listSettings", "settings")
      .Summary("All settings by key, or those of a category. Needs settings.read.")
      .Reads("SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_settings($1) AS s")
      .As(Who::kBearer)
      .Takes(QueryField("category", Type::kText, kMaxCategory,
                        "Only these: the first word of their keys."))
      .Returns("settings", "Setting", true)
      .Fails({ErrorId::Forbidden});
}

Route SetSetting() {
  return Route("PUT", "/api/settings/{key}", "setSetting", "settings")
      .Summary("Changes a setting, at once for everybody. Needs settings.write.")
      .Writes("SELECT null::json FROM latchkey.set_setting($1, $2)")
      .As(Who::kBearer)
      .Takes(PathPart("key", Type::kText, kMaxKey, "The key of the setting."))
      .Takes(BodyField("value", Type::kText, kRequired, kMaxValue,
                       "As text, whatever the setting's type: 8, true, 15 minutes."))
      .Message("Setting changed")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

}  // namespace

std::vector<Route> SettingRoutes() { return {ListSettings(), SetSetting()}; }

}  // namespace latchkey
