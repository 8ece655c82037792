// create_tenant: account, registry, slug, owner and events in one go.
#include "extension/core/error.hpp"
#include "extension/core/idempotency.hpp"
#include "extension/core/json_object.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/granting.hpp"
#include "extension/roles/role_book.hpp"
#include "extension/settings/settings.hpp"
#include "extension/tenants/slugs.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

namespace {

constexpr settings::BooleanSetting kSelfService("tenants.self_service");
constexpr size_t kMaxKind = 63;

struct NewTenant {
  Uuid owner_id;
  std::string name;
  std::optional<std::string> slug;
  std::string kind;
  pg::Raw settings;
  bool provision = false;
  Idempotency idempotency;
};

void CheckKind(std::string_view kind) {
  bool ok = !kind.empty() && kind.size() <= kMaxKind && kind[0] >= 'a' && kind[0] <= 'z';
  for (const char c : kind) {
    ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  }
  if (ok) return;
  throw Error(ErrorCode::kInvalidArgument, "kind must be a word of a-z, 0-9 and _");
}

NewTenant ReadArguments(const pg::Args& args) {
  NewTenant tenant;
  tenant.owner_id = args.Get<Uuid>(0, "owner_id");
  tenant.name = args.Text(1, "name");
  tenant.slug = args.Optional<std::string>(2);
  tenant.kind = args.Text(3, "kind");
  args.RequireValue(4, "settings");
  tenant.settings = args.AsIs(4, JSONBOID);
  tenant.provision = args.Get<bool>(5, "provision");
  CheckTenantName(tenant.name);
  CheckKind(tenant.kind);
  tenant.idempotency = MakeIdempotency(
      args.Optional<std::string>(6),
      {Spell(tenant.name), Spell(tenant.slug), Spell(tenant.kind),
       Spell(pg::JsonText(tenant.settings.value)), Spell(int64_t{tenant.provision})});
  return tenant;
}

// For themselves users need no permission, where the setting lets them.
void RequireMayCreate(const pg::Args& args, const Uuid& owner_id) {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity != nullptr && identity->kind == pg::Identity::kUser &&
      identity->user_id == owner_id) {
    pg::Spi spi(pg::Spi::kReadOnly);
    const bool self_service = kSelfService.Get(spi);
    spi.Finish();
    if (self_service) return;
  }
  permissions::Require(args, "tenants.create");
}

void RequireOwner(pg::Spi& spi, const Uuid& owner_id) {
  static pg::Statement statement(
      "SELECT status FROM latchkey.users WHERE id = $1 AND status <> 'deleted' FOR SHARE");
  const pg::Rows rows = spi.RunLatest(statement, owner_id);
  if (rows.empty()) throw Error(ErrorCode::kNotFound, "there is no such user");
  if (rows[0].Text(1) == "active") return;
  throw Error(ErrorCode::kConflict, "the user who would be the owner is blocked");
}

// The tenant that was made with the key before; none when the key is new, and this call's now.
std::optional<Uuid> ClaimKey(pg::Spi& spi, const NewTenant& tenant, const Uuid& id) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.tenant_keys (owner_id, idempotency_key, fingerprint, tenant_id)
    VALUES ($1, $2, $3, $4) ON CONFLICT (owner_id, idempotency_key) DO NOTHING)");
  static pg::Statement find(R"(
    SELECT fingerprint, tenant_id FROM latchkey.tenant_keys
     WHERE owner_id = $1 AND idempotency_key = $2)");
  const auto& key = tenant.idempotency.key;
  if (!key) return std::nullopt;
  spi.RunLatest(insert, tenant.owner_id, *key, pg::Bytes{*tenant.idempotency.fingerprint}, id);
  if (spi.affected() > 0) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(find, tenant.owner_id, *key);
  if (rows.empty() || rows[0].Text(1) != *tenant.idempotency.fingerprint) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  return rows[0].Get<Uuid>(2);
}

std::string TakeAnySlug(pg::Spi& spi, const NewTenant& tenant, const Uuid& id) {
  if (!tenant.slug) return TakeSlugOf(spi, id, tenant.name, tenant.kind);
  CheckSlug(spi, *tenant.slug);
  if (!TakeSlug(spi, id, *tenant.slug)) ThrowSlugTaken(*tenant.slug);
  return *tenant.slug;
}

void Insert(pg::Spi& spi, const NewTenant& tenant, const Uuid& id) {
  static pg::Statement account(R"(
    INSERT INTO latchkey.accounts (id, kind, created_at, status_changed_at)
    VALUES ($1, 'tenant', $2, $2))");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.tenants (id, name, slug, kind, status, status_changed_at, settings,
                                  created_at, created_by, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8, $6))");
  const pg::Timestamp now = pg::Now();
  const char* status = tenant.provision ? "pending" : "active";
  spi.Run(account, id, now);
  const std::string slug = TakeAnySlug(spi, tenant, id);
  spi.Run(insert, id, tenant.name, slug, tenant.kind, status, now, tenant.settings, Actor());
  RecordEvent(spi, id, "tenant.created",
              JsonObject()
                  .Add("kind", tenant.kind)
                  .Add("owner_id", tenant.owner_id.ToString())
                  .Add("status", status)
                  .ToString());
}

}  // namespace

LATCHKEY_FUNCTION(create_tenant, kOpen) {
  const NewTenant tenant = ReadArguments(args);
  RequireMayCreate(args, tenant.owner_id);
  Uuid id = NewUuid();
  pg::Spi spi;
  CheckSettings(spi, tenant.settings);
  RequireOwner(spi, tenant.owner_id);
  if (const auto made_before = ClaimKey(spi, tenant, id)) {
    id = *made_before;
  } else {
    Insert(spi, tenant, id);
    roles::GiveRole(spi, tenant.owner_id, id, roles::kTenantOwner);
  }
  const auto columns = LoadTenant(spi, id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::tenants
