// Making, rotating, revoking and listing API keys.
#include <algorithm>

#include "extension/api_keys/store.hpp"
#include "extension/core/api_key_token.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/roles/escalation.hpp"
#include "extension/roles/patterns.hpp"

namespace latchkey::api_keys {

namespace {

using Expiry = std::optional<pg::Timestamp>;  // empty: never

Expiry Earlier(const Expiry& a, const Expiry& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// An end that is infinitely far is none.
Expiry ExpiryArgument(const pg::Args& args, int index) {
  const auto expires_at = args.Optional<pg::Timestamp>(index);
  if (!expires_at || TIMESTAMP_IS_NOEND(expires_at->micros)) return std::nullopt;
  if (*expires_at <= pg::Now()) {
    throw Error(ErrorCode::kInvalidArgument, "expires_at lies in the past");
  }
  return expires_at;
}

// When the key with which the caller authenticated ends: what it makes must not outlive it, or who
// got hold of a key could make it last.
Expiry ExpiryOfCaller(pg::Spi& spi) {
  static pg::Statement statement("SELECT expires_at FROM latchkey.api_keys WHERE id = $1");
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->kind != pg::Identity::kService) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(statement, identity->session_id);
  if (rows.empty()) throw Error(ErrorCode::kForbidden, "the caller's API key has been deleted");
  return rows[0].Optional<pg::Timestamp>(1);
}

struct IssuedKey {
  Uuid id;
  Uuid account_id;
  NewApiKey key;
  pg::Raw permissions;
  Expiry expires_at;

  // After the SPI session has ended.
  Datum Return(pg::Args& args) const {
    return args.ReturnRow({pg::ToValue(id), pg::ToValue(account_id), pg::ToValue(key.prefix),
                           pg::ToValue(key.token), pg::ToValue(permissions),
                           pg::ToValue(expires_at)});
  }
};

// `permissions` have been checked. The row for its use is made here, because authenticate() only
// updates what is there: an insert could wait for another.
IssuedKey StoreKey(pg::Spi& spi, const Uuid& account_id, const pg::Raw& permissions,
                   const Expiry& expires_at) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.api_keys (id, service_account_id, prefix, secret_hash, permissions,
                                   created_at, created_by, expires_at)
    VALUES ($1, $2, $3, $4, ARRAY(SELECT DISTINCT p COLLATE "C" FROM unnest($5) AS p ORDER BY 1),
            $6, $7, $8)
    RETURNING permissions)");
  static pg::Statement uses("INSERT INTO latchkey.api_key_uses (key_id) VALUES ($1)");
  IssuedKey issued;
  issued.id = NewUuid();
  issued.account_id = account_id;
  issued.key = MakeApiKey();
  issued.expires_at = Earlier(expires_at, ExpiryOfCaller(spi));
  const pg::Rows rows =
      spi.Run(insert, issued.id, account_id, issued.key.prefix, pg::Bytes{issued.key.secret_hash},
              permissions, pg::Now(), Actor(), issued.expires_at);
  issued.permissions = rows[0].Copy(1);
  spi.Run(uses, issued.id);
  return issued;
}

JsonObject EventData(const Uuid& account_id, std::string_view prefix) {
  JsonObject data;
  data.Add("service_account_id", account_id.ToString()).Add("prefix", prefix);
  return data;
}

struct LockedKey {
  Uuid account_id;
  std::string prefix;
  pg::Raw permissions;
  std::vector<std::string> patterns;
  pg::Timestamp created_at;
  Expiry expires_at;
  bool is_revoked = false;
  bool is_replaced = false;

  bool IsOver() const { return is_revoked || (expires_at && *expires_at <= pg::Now()); }
};

// The account first, as whoever deletes it does: the new key's row will lock it anyway.
LockedKey LockKey(pg::Spi& spi, const Uuid& id) {
  static pg::Statement account(R"(
    SELECT 1 FROM latchkey.service_accounts
     WHERE id = (SELECT service_account_id FROM latchkey.api_keys WHERE id = $1) FOR KEY SHARE)");
  static pg::Statement statement(R"(
    SELECT service_account_id, prefix, permissions, array_to_string(permissions, ' '), created_at,
           expires_at, revoked_at IS NOT NULL, replaced_by IS NOT NULL
      FROM latchkey.api_keys WHERE id = $1 FOR NO KEY UPDATE)");
  spi.RunLatest(account, id);
  const pg::Rows rows = spi.RunLatest(statement, id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such API key");
  const pg::Row row = rows[0];
  LockedKey key;
  key.account_id = row.Get<Uuid>(1);
  key.prefix = row.Text(2);
  key.permissions = row.Copy(3);
  key.patterns = SplitPatterns(row.Text(4));
  key.created_at = row.Get<pg::Timestamp>(5);
  key.expires_at = row.Optional<pg::Timestamp>(6);
  key.is_revoked = row.Get<bool>(7);
  key.is_replaced = row.Get<bool>(8);
  return key;
}

// When a key that is rotated now ends. Months and days are as long as the calendar has them.
pg::Timestamp EndOfOverlap(pg::Spi& spi, const pg::Raw& overlap, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT CASE WHEN $1 BETWEEN interval '0' AND interval '30 days'
                THEN greatest($2, least($2 + $1, $2 + interval '30 days')) END)");
  const auto end = spi.Read(statement, overlap, now)[0].Optional<pg::Timestamp>(1);
  if (end) return *end;
  throw Error(ErrorCode::kInvalidArgument, "overlap must lie between 0 and 30 days");
}

void RequireRotatable(const LockedKey& key) {
  if (key.is_replaced) {
    throw Error(ErrorCode::kConflict, "this API key has been rotated already", {},
                "Rotate its successor: replaced_by names it.");
  }
  if (key.IsOver()) {
    throw Error(ErrorCode::kConflict, "this API key is over", {}, "Make a new one.");
  }
}

}  // namespace

LATCHKEY_FUNCTION(create_api_key, kSecret) {
  const auto account_id = args.Get<Uuid>(0, "service_account_id");
  args.RequireValue(1, "permissions");
  const pg::Raw permissions = args.AsIs(1, TEXTARRAYOID);
  const Expiry expires_at = ExpiryArgument(args, 2);
  const auto tenant_id = RequireOnAccount(args, account_id, "api_keys.write");
  static pg::Statement lock("SELECT 1 FROM latchkey.service_accounts WHERE id = $1 FOR KEY SHARE");
  pg::Spi spi;
  roles::RequireHeld(spi, roles::ReadPatterns(spi, permissions), tenant_id);
  if (spi.RunLatest(lock, account_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such service account");
  }
  const IssuedKey issued = StoreKey(spi, account_id, permissions, expires_at);
  RecordEvent(spi, tenant_id, "api_key", issued.id, "api_key.created",
              EventData(account_id, issued.key.prefix).ToString());
  spi.Finish();
  return issued.Return(args);
}

LATCHKEY_FUNCTION(rotate_api_key, kSecret) {
  const auto id = args.Get<Uuid>(0, "key_id");
  args.RequireValue(1, "overlap");
  const pg::Raw overlap = args.AsIs(1, INTERVALOID);
  const auto tenant_id = RequireOnKey(args, id, "api_keys.write");
  static pg::Statement replace(
      "UPDATE latchkey.api_keys SET expires_at = $2, replaced_by = $3 WHERE id = $1");
  pg::Spi spi;
  const LockedKey old = LockKey(spi, id);
  roles::RequireHeld(spi, old.patterns, tenant_id);
  RequireRotatable(old);
  const pg::Timestamp now = pg::Now();
  const pg::Timestamp end = EndOfOverlap(spi, overlap, now);
  Expiry expires_at;
  if (old.expires_at) expires_at = now + (old.expires_at->micros - old.created_at.micros);
  const IssuedKey issued = StoreKey(spi, old.account_id, old.permissions, expires_at);
  spi.RunLatest(replace, id, Earlier(old.expires_at, end), issued.id);
  RecordEvent(
      spi, tenant_id, "api_key", id, "api_key.rotated",
      EventData(old.account_id, old.prefix).Add("replaced_by", issued.id.ToString()).ToString());
  spi.Finish();
  return issued.Return(args);
}

LATCHKEY_FUNCTION(revoke_api_key, kOpen) {
  const auto id = args.Get<Uuid>(0, "key_id");
  const auto tenant_id = RequireOnKey(args, id, "api_keys.write");
  static pg::Statement revoke(R"(
    UPDATE latchkey.api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL
    RETURNING service_account_id, prefix)");
  pg::Spi spi;
  const pg::Rows rows = spi.RunLatest(revoke, id, pg::Now());
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "this API key has been revoked already");
  const JsonObject data = EventData(rows[0].Get<Uuid>(1), rows[0].Text(2));
  RecordEvent(spi, tenant_id, "api_key", id, "api_key.revoked", data.ToString());
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(list_api_keys, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "service_account_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = PageSize(args, 2);
  RequireOnAccount(args, account_id, "api_keys.read", pg::Spi::kReadOnly);
  static pg::Statement statement(R"(
    SELECT k.id, k.service_account_id, k.prefix, k.permissions, k.created_at, k.created_by,
           k.expires_at, u.last_used_at, k.revoked_at, k.replaced_by
      FROM latchkey.api_keys k LEFT JOIN latchkey.api_key_uses u ON u.key_id = k.id
     WHERE k.service_account_id = $1 AND ($2 IS NULL OR k.id < $2)
     ORDER BY k.id DESC LIMIT $3)");
  std::vector<std::vector<pg::Value>> result;
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id, after, max_rows);
  for (uint64_t i = 0; i < rows.size(); ++i) result.push_back(Columns(rows[i], 10));
  spi.Finish();
  args.BeginSet();
  for (const auto& columns : result) args.EmitRow(columns);
  return args.Void();
}

}  // namespace latchkey::api_keys
