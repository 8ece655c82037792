// What the functions of service accounts and of keys have in common.
#include "extension/api_keys/store.hpp"

#include "extension/core/error.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/transaction_state.hpp"

namespace latchkey::api_keys {

namespace {

constexpr int32_t kMaxRows = 1000;

// `find` selects the tenant by the id. Which tenant it is never changes, so it is read before the
// caller is checked, and nothing is locked for who may not.
std::optional<Uuid> RequireWhere(const pg::Args& args, pg::Statement& find, const Uuid& id,
                                 const char* permission, const char* missing, pg::Spi::Mode mode) {
  std::optional<Uuid> tenant_id;
  pg::Spi spi(mode);
  const pg::Rows rows = spi.RunLatest(find, id);
  const bool exists = !rows.empty();
  if (exists) tenant_id = rows[0].Optional<Uuid>(1);
  spi.Finish();
  permissions::Require(args, permission, tenant_id);
  if (!exists) throw Error(ErrorCode::kNotFound, missing);
  return tenant_id;
}

}  // namespace

std::optional<Uuid> RequireOnAccount(const pg::Args& args, const Uuid& account_id,
                                     const char* permission, pg::Spi::Mode mode) {
  static pg::Statement find("SELECT tenant_id FROM latchkey.service_accounts WHERE id = $1");
  return RequireWhere(args, find, account_id, permission, "there is no such service account", mode);
}

std::optional<Uuid> RequireOnKey(const pg::Args& args, const Uuid& key_id, const char* permission) {
  static pg::Statement find(R"(
    SELECT s.tenant_id FROM latchkey.api_keys k
      JOIN latchkey.service_accounts s ON s.id = k.service_account_id WHERE k.id = $1)");
  return RequireWhere(args, find, key_id, permission, "there is no such API key",
                      pg::Spi::kReadWrite);
}

std::vector<pg::Value> LoadAccount(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT id, tenant_id, name, description, created_at, created_by, disabled_at
      FROM latchkey.service_accounts WHERE id = $1)");
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such service account");
  return Columns(rows[0], 7);
}

std::optional<Uuid> Actor() {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return std::nullopt;
  return identity->user_id;
}

void RecordEvent(pg::Spi& spi, const std::optional<Uuid>& tenant_id, const char* aggregate,
                 const Uuid& id, const char* type, const std::string& data) {
  events::Record(spi,
                 {tenant_id.value_or(events::kPlatform), aggregate, id.ToString(), type, data});
}

std::vector<pg::Value> Columns(const pg::Row& row, int count) {
  std::vector<pg::Value> columns;
  for (int column = 1; column <= count; ++column) {
    columns.push_back(pg::ToValue(row.Copy(column)));
  }
  return columns;
}

std::vector<std::string> SplitPatterns(std::string_view text) {
  std::vector<std::string> patterns;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    patterns.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return patterns;
}

int32_t PageSize(const pg::Args& args, int index) {
  const auto count = args.Get<int32_t>(index, "max_rows");
  if (count < 1 || count > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  return count;
}

}  // namespace latchkey::api_keys
