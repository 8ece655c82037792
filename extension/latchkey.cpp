// The shared library's entry: what a backend sets up when it loads Latchkey.
#include "extension/accounts/hooks.hpp"
#include "extension/api_keys/verification.hpp"
#include "extension/core/api_key_token.hpp"
#include "extension/hostnames/login.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/permissions/tenant_hooks.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/plans/hooks.hpp"
#include "extension/plans/plans.hpp"
#include "extension/plans/standings.hpp"
#include "extension/roles/escalation.hpp"
#include "extension/roles/grants.hpp"
#include "extension/sessions/bearer_hooks.hpp"
#include "extension/sessions/session_store.hpp"
#include "extension/settings/server_settings.hpp"
#include "extension/tenant_users/members.hpp"
#include "extension/tenants/gate.hpp"
#include "extension/trials/trials.hpp"
#include "extension/webhooks/webhooks.hpp"

extern "C" {
#pragma GCC visibility push(default)
PG_MODULE_MAGIC;
void _PG_init(void);
#pragma GCC visibility pop

// Nothing here may fail for want of configuration: pg_upgrade and CREATE EXTENSION load the library
// before there is any.
void _PG_init(void) {
  latchkey::settings::DefineServerSettings();
  latchkey::pg::RegisterTransactionState();
  latchkey::accounts::hooks = {
      latchkey::sessions::EndSessions,       latchkey::sessions::EraseSessions,
      latchkey::roles::CheckUserDispensable, latchkey::roles::EraseGrants,
      latchkey::webhooks::EraseEndpoints,    latchkey::plans::OfferOf,
      latchkey::plans::SubscribeNewAccount,  latchkey::tenant_users::NoteUser};
  latchkey::plans::hooks = {latchkey::trials::CloseTrial};
  latchkey::permissions::hooks = {latchkey::roles::PrincipalHolds,
                                  latchkey::roles::PrincipalHoldsAllOf};
  latchkey::permissions::tenant_hooks = {
      latchkey::tenants::RequireActive,   latchkey::tenants::IsSwitchedOff,
      latchkey::tenants::IsOver,          latchkey::tenants::Edition,
      latchkey::tenants::Admit,           latchkey::tenants::CountMemberships,
      latchkey::hostnames::TenantOfLogin, latchkey::tenant_users::NoteMember};
  latchkey::sessions::bearer_hooks = {latchkey::LooksLikeApiKey, latchkey::api_keys::FindService,
                                      latchkey::api_keys::NoteUse};
}
}
