// Keeping and reading secrets.
#include "extension/secrets/secrets.hpp"

#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/sealed_column.hpp"

namespace latchkey::secrets {

namespace {

constexpr size_t kMaxName = 100;
constexpr size_t kMaxValue = 16384;

const settings::SealedColumn kValue("secrets", "sealed_value", {"name"});

void CheckValue(std::string_view value) {
  if (!value.empty() && value.size() <= kMaxValue) return;
  throw Error(ErrorCode::kInvalidArgument, "a secret has 1 to 16384 bytes");
}

}  // namespace

std::optional<Secret> Read(pg::Spi& spi, std::string_view name) {
  static pg::Statement statement("SELECT sealed_value FROM latchkey.secrets WHERE name = $1");
  const pg::Rows rows = spi.ReadLatest(statement, name);
  if (rows.empty()) return std::nullopt;
  return kValue.Open(rows[0].Text(1), name);
}

LATCHKEY_FUNCTION(set_secret, kSecret) {
  const std::string name(args.Text(0, "name"));
  const auto value = args.Text(1, "value");
  permissions::Require(args, "secrets.write");
  // Names have the form of permissions: words joined by dots.
  if (!IsPermissionName(name) || name.size() > kMaxName) {
    throw Error(ErrorCode::kInvalidArgument,
                "name must be lower-case words joined by dots, of at most 100 bytes");
  }
  CheckValue(value);
  settings::LoadMasterKey();  // before the row is locked
  const std::string sealed = kValue.Seal(value, name);
  static pg::Statement statement(R"(
    INSERT INTO latchkey.secrets (name, sealed_value, created_at, updated_at) VALUES ($1, $2, $3, $3)
    ON CONFLICT (name) DO UPDATE
       SET sealed_value = EXCLUDED.sealed_value, updated_at = EXCLUDED.updated_at)");
  pg::Spi spi;
  spi.RunLatest(statement, name, pg::Bytes{sealed}, pg::Now());
  events::Record(spi, {events::kPlatform, "secret", name, "secret.set"});
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(delete_secret, kOpen) {
  const std::string name(args.Text(0, "name"));
  permissions::Require(args, "secrets.write");
  static pg::Statement statement("DELETE FROM latchkey.secrets WHERE name = $1");
  pg::Spi spi;
  spi.RunLatest(statement, name);
  if (spi.affected() == 0) {
    throw Error(ErrorCode::kNotFound, "there is no secret \"" + name + "\"");
  }
  events::Record(spi, {events::kPlatform, "secret", name, "secret.deleted"});
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(list_secrets, kOpen) {
  permissions::Require(args, "secrets.read");
  static pg::Statement statement(
      "SELECT name, created_at, updated_at FROM latchkey.secrets ORDER BY name");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    args.EmitRow({pg::ToValue(row.Text(1)), pg::ToValue(row.Get<pg::Timestamp>(2)),
                  pg::ToValue(row.Get<pg::Timestamp>(3))});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::secrets
