// Inviting people to a tenant by e-mail, and accepting.
#include <algorithm>

#include "extension/accounts/throttle.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/digest.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/random.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/roles/granting.hpp"
#include "extension/settings/settings.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

namespace {

constexpr settings::DurationSetting kLifetime("tenants.invitation_lifetime");
constexpr size_t kTenantIdBytes = 16;
constexpr size_t kSecretBytes = 32;

struct Invitation {
  Uuid tenant_id;
  Uuid id;
  std::string email_key;
  std::string role;
};

struct Issued {
  Uuid id;
  std::string token;
  pg::Timestamp expires_at;
};

// One for each address: the one before ends. Those that are over go too.
Issued Store(pg::Spi& spi, const Uuid& tenant_id, const accounts::Address& address,
             std::string_view role) {
  static pg::Statement purge(
      "DELETE FROM latchkey.tenant_invitations WHERE tenant_id = $1 AND expires_at <= $2");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.tenant_invitations (tenant_id, id, token_hash, email, email_key, role,
                                             invited_by, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (tenant_id, email_key) DO UPDATE SET
      id = EXCLUDED.id, token_hash = EXCLUDED.token_hash, email = EXCLUDED.email,
      role = EXCLUDED.role, invited_by = EXCLUDED.invited_by, created_at = EXCLUDED.created_at,
      expires_at = EXCLUDED.expires_at)");
  const pg::Timestamp now = pg::Now();
  Issued issued;
  issued.id = NewUuid();
  issued.token = Base64UrlEncode(std::string(tenant_id.AsBytes()) + RandomBytes(kSecretBytes));
  issued.expires_at = now + kLifetime.Micros(spi);
  const std::string hash = Sha256(issued.token);
  spi.RunLatest(purge, tenant_id, now);
  spi.RunLatest(insert, tenant_id, issued.id, pg::Bytes{hash}, address.text, address.key, role,
                Actor(), now, issued.expires_at);
  return issued;
}

[[noreturn]] void ThrowInvalid() {
  throw Error(ErrorCode::kInvalidToken, "the token is not valid, or no longer", {},
              "Ask for another invitation.");
}

// The token carries the tenant's id, so that its row is found by account, wherever that lives. Of
// two who accept at once the second waits, and then finds nothing.
Invitation LockInvitation(pg::Spi& spi, std::string_view token) {
  static pg::Statement statement(R"(
    SELECT id, email_key, role FROM latchkey.tenant_invitations
     WHERE tenant_id = $1 AND token_hash = $2 AND expires_at > $3 FOR UPDATE)");
  const auto bytes = Base64UrlDecode(token);
  if (!bytes || bytes->size() != kTenantIdBytes + kSecretBytes) ThrowInvalid();
  Invitation invitation;
  std::copy_n(bytes->begin(), kTenantIdBytes, invitation.tenant_id.bytes.begin());
  const std::string hash = Sha256(token);
  const pg::Rows rows = spi.RunLatest(statement, invitation.tenant_id, pg::Bytes{hash}, pg::Now());
  if (rows.empty()) ThrowInvalid();
  invitation.id = rows[0].Get<Uuid>(1);
  invitation.email_key = rows[0].Text(2);
  invitation.role = rows[0].Text(3);
  return invitation;
}

bool Delete(pg::Spi& spi, const Uuid& tenant_id, const Uuid& id) {
  static pg::Statement statement(
      "DELETE FROM latchkey.tenant_invitations WHERE tenant_id = $1 AND id = $2");
  spi.RunLatest(statement, tenant_id, id);
  return spi.affected() > 0;
}

std::vector<pg::Value> LoadMembership(pg::Spi& spi, const Uuid& user_id, const Uuid& tenant_id) {
  static pg::Statement statement(R"(
    SELECT t.id, t.name, t.slug, t.kind, t.status, t.status_reason,
           array_agg(g.role ORDER BY g.role COLLATE "C")
      FROM latchkey.role_grants g JOIN latchkey.tenants t ON t.id = g.tenant_id
     WHERE g.user_id = $1 AND g.tenant_id = $2 AND (g.expires_at IS NULL OR g.expires_at > $3)
     GROUP BY t.id)");
  return Columns(spi.RunLatest(statement, user_id, tenant_id, pg::Now())[0], 7);
}

// For the mail: who is invited wants to know where to.
std::string LoadName(pg::Spi& spi, const Uuid& tenant_id) {
  static pg::Statement statement("SELECT name FROM latchkey.tenants WHERE id = $1");
  return spi.RunLatest(statement, tenant_id)[0].Text(1);
}

std::string RoleData(std::string_view role) { return JsonObject().Add("role", role).ToString(); }

}  // namespace

LATCHKEY_FUNCTION(invite_member, kSecret) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto address = accounts::ParseAddress(args.Text(1, "email"));
  const auto role = args.Text(2, "role");
  permissions::Require(args, "members.invite", tenant_id);
  pg::Spi spi;
  RequireActiveForChange(spi, tenant_id);
  roles::RequireGrantable(spi, tenant_id, role);
  if (!accounts::MayMail(spi, "invitation", address.key)) {
    throw Error(ErrorCode::kLockedOut, "this address was invited too often; try again later");
  }
  const Issued issued = Store(spi, tenant_id, address, role);
  const std::string tenant_name = LoadName(spi, tenant_id);
  RecordEvent(spi, tenant_id, "tenant.member_invited", RoleData(role));
  spi.Finish();
  return args.ReturnRow({pg::ToValue(issued.id), pg::ToValue(tenant_id), pg::ToValue(address.text),
                         pg::ToValue(role), pg::ToValue(issued.token),
                         pg::ToValue(issued.expires_at), pg::ToValue(tenant_name)});
}

LATCHKEY_FUNCTION(join_tenant, kSecret) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto token = args.Text(1, "token");
  permissions::RequireSelf(args, user_id);
  pg::Spi spi;
  const Invitation invitation = LockInvitation(spi, token);
  if (accounts::LoadCredentials(spi, user_id).email_key != invitation.email_key) {
    throw Error(ErrorCode::kForbidden, "the invitation is for another address");
  }
  RequireActiveForChange(spi, invitation.tenant_id);
  Delete(spi, invitation.tenant_id, invitation.id);
  roles::GiveRole(spi, user_id, invitation.tenant_id, invitation.role);
  RecordEvent(spi, invitation.tenant_id, "tenant.member_joined", RoleData(invitation.role));
  const auto columns = LoadMembership(spi, user_id, invitation.tenant_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(revoke_invitation, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto id = args.Get<Uuid>(1, "invitation_id");
  permissions::Require(args, "members.invite", tenant_id);
  pg::Spi spi;
  if (!Delete(spi, tenant_id, id)) {
    throw Error(ErrorCode::kNotFound, "there is no such invitation");
  }
  RecordEvent(spi, tenant_id, "tenant.invitation_revoked");
  spi.Finish();
  return args.Return(true);
}

LATCHKEY_FUNCTION(list_invitations, kOpen) {
  const auto tenant_id = args.Get<Uuid>(0, "tenant_id");
  const auto after = args.Optional<Uuid>(1);
  const int32_t max_rows = PageSize(args, 2);
  permissions::Require(args, "members.read", tenant_id);
  static pg::Statement statement(R"(
    SELECT id, tenant_id, email, role, invited_by, created_at, expires_at
      FROM latchkey.tenant_invitations
     WHERE tenant_id = $1 AND expires_at > $2 AND ($3 IS NULL OR id < $3)
     ORDER BY id DESC LIMIT $4)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto invitations =
      AllColumns(spi.Read(statement, tenant_id, pg::Now(), after, max_rows), 7);
  spi.Finish();
  return EmitAll(args, invitations);
}

}  // namespace latchkey::tenants
