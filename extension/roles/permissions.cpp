// The register of permissions: listing, adding the application's, deleting them.
#include "extension/core/error.hpp"
#include "extension/core/permission_pattern.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"

namespace latchkey::roles {

namespace {

constexpr size_t kMaxDescription = 500;

std::vector<pg::Value> Columns(const pg::Row& row) {
  return {pg::ToValue(row.Copy(1)), pg::ToValue(row.Copy(2)), pg::ToValue(row.Copy(3))};
}

}  // namespace

LATCHKEY_FUNCTION(list_permissions, kOpen) {
  permissions::Require(args, "roles.read");
  static pg::Statement statement(R"(
    SELECT name, module, description FROM latchkey.permissions ORDER BY name COLLATE "C")");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement);
  for (uint64_t i = 0; i < rows.size(); ++i) result.push_back(Columns(rows[i]));
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

LATCHKEY_FUNCTION(register_permission, kOpen) {
  const auto name = args.Text(0, "name");
  const auto description = args.Text(1, "description");
  permissions::Require(args, "permissions.write");
  if (!IsPermissionName(name)) {
    throw Error(ErrorCode::kInvalidArgument,
                "\"" + std::string(name) + "\" is no permission's name", {},
                "Permissions are written thing.verb: lower-case words joined by dots.");
  }
  if (description.size() > kMaxDescription) {
    throw Error(ErrorCode::kInvalidArgument, "description is longer than 500 bytes");
  }
  static pg::Statement statement(R"(
    INSERT INTO latchkey.permissions AS p (name, module, description)
    VALUES ($1, 'application', $2)
    ON CONFLICT (name) DO UPDATE SET description = EXCLUDED.description WHERE NOT p.seeded
    RETURNING name, module, description)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(statement, name, description);
  if (rows.empty()) throw Error(ErrorCode::kAlreadyExists, "this permission is built in");
  const auto columns = Columns(rows[0]);
  events::Record(spi,
                 {events::kPlatform, "permission", std::string(name), "permission.registered"});
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(delete_permission, kOpen) {
  const auto name = args.Text(0, "name");
  permissions::Require(args, "permissions.write");
  static pg::Statement lock("SELECT seeded FROM latchkey.permissions WHERE name = $1 FOR UPDATE");
  static pg::Statement holders(
      "SELECT name FROM latchkey.roles WHERE $1 = ANY (permissions) LIMIT 1");
  static pg::Statement remove("DELETE FROM latchkey.permissions WHERE name = $1");
  pg::Spi spi;
  const pg::Rows locked = spi.RunLatest(lock, name);
  if (locked.empty()) {
    throw Error(ErrorCode::kNotFound, "there is no permission \"" + std::string(name) + "\"");
  }
  if (locked[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "a built-in permission can't be deleted");
  }
  const pg::Rows named = spi.RunLatest(holders, name);
  if (!named.empty()) {
    throw Error(ErrorCode::kConflict, "role \"" + named[0].Text(1) + "\" names this permission", {},
                "Take it out of the role first.");
  }
  spi.RunLatest(remove, name);
  events::Record(spi, {events::kPlatform, "permission", std::string(name), "permission.deleted"});
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::roles
