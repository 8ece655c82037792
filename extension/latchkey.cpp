// The shared library's entry: what a backend sets up when it loads Latchkey.
#include "extension/accounts/plan_hooks.hpp"
#include "extension/accounts/session_hooks.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/plans/plans.hpp"
#include "extension/sessions/session_store.hpp"
#include "extension/settings/server_settings.hpp"

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
  latchkey::accounts::session_hooks = {latchkey::sessions::EndSessions,
                                       latchkey::sessions::EraseSessions};
  latchkey::accounts::plan_hooks = {latchkey::plans::OfferOf};
}
}
