// set_time_zone: where an account's days and months begin.
#include "extension/accounts/usage.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/quotas/counters.hpp"

namespace latchkey::quotas {

namespace {

void CheckTimeZone(pg::Spi& spi, std::string_view zone) {
  static pg::Statement statement("SELECT 1 FROM pg_timezone_names WHERE name = $1");
  if (!spi.Read(statement, zone).empty()) return;
  throw Error(ErrorCode::kInvalidArgument, "time zone \"" + std::string(zone) + "\" is not known",
              {}, "It is a name as Europe/Berlin, of the view pg_timezone_names.");
}

// What is used of the running periods counts in those of the new zone, and what is refunded of it
// is given back there: a change of the zone is no new quota.
void CarryOver(pg::Spi& spi, const Uuid& account_id, const std::string& from,
               const std::string& to) {
  static pg::Statement counters(R"(
    WITH moved AS (
      DELETE FROM latchkey.usage
       WHERE account_id = $1 AND period = $2 AND period_start = $3 AND feature <> $5
      RETURNING feature, used)
    INSERT INTO latchkey.usage AS u (account_id, feature, period, period_start, used)
    SELECT $1, feature, $2, $4, used FROM moved
    ON CONFLICT (account_id, feature, period, period_start)
      DO UPDATE SET used = u.used + EXCLUDED.used)");
  static pg::Statement consumptions(R"(
    UPDATE latchkey.quota_consumptions SET period_start = $4
     WHERE account_id = $1 AND period = $2 AND period_start = $3 AND feature <> $5)");
  const plans::Entitlements own = plans::EntitlementsOf(spi, account_id);
  for (const std::string kind : {"day", "month", "billing"}) {
    const pg::Timestamp before = PeriodIn(spi, own, kind, from).start;
    const pg::Timestamp after = PeriodIn(spi, own, kind, to).start;
    if (before == after) continue;
    spi.RunLatest(counters, account_id, kind, before, after, accounts::kRequests);
    spi.RunLatest(consumptions, account_id, kind, before, after, accounts::kRequests);
  }
}

}  // namespace

// The account's row is locked before its counters, as by who makes one (see FollowTimeZone): what
// is counted meanwhile is carried over, or counted in the new zone. Not for oneself: whoever
// chooses when the day begins chooses when the quota is new.
LATCHKEY_FUNCTION(set_time_zone, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const std::string zone(args.Text(1, "time_zone"));
  permissions::Require(args, "usage.write");
  static pg::Statement lock(
      "SELECT time_zone FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE");
  static pg::Statement update("UPDATE latchkey.accounts SET time_zone = $2 WHERE id = $1");
  pg::Spi spi;
  CheckTimeZone(spi, zone);
  accounts::RequireLivingAccount(spi, account_id);
  const std::string old = spi.Run(lock, account_id)[0].Text(1);
  if (old != zone) {
    spi.Run(update, account_id, zone);
    CarryOver(spi, account_id, old, zone);
    events::Record(spi, {account_id, "account", account_id.ToString(), "account.time_zone_changed",
                         JsonObject().Add("from", old).Add("to", zone).ToString()});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::quotas
