// Low balance: thresholds, and the event and the job of crossing one.
#include "extension/credits/thresholds.hpp"

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/credits/storage.hpp"
#include "extension/events/events.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::BooleanSetting kLowBalanceJobs("credits.low_balance_jobs");

void NoteLow(pg::Spi& spi, const Uuid& account_id, const std::string& facts) {
  events::Record(spi, {account_id, "account", account_id.ToString(), "credits.low", facts});
  if (!kLowBalanceJobs.Get(spi)) return;
  const pg::Param payload = pg::JsonParam(facts);
  jobs::NewJob job;
  job.type = "credits.low";
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, account_id, job);
}

}  // namespace

void NoteBalance(pg::Spi& spi, const Uuid& account_id, int64_t balance) {
  static pg::Statement read(
      "SELECT threshold FROM latchkey.credit_thresholds WHERE account_id = $1");
  static pg::Statement cross(R"(
    UPDATE latchkey.credit_thresholds SET is_low = $2
     WHERE account_id = $1 AND is_low <> $2 AND (threshold > $3) = $2 RETURNING threshold)");
  if (IsStorageDirect() && !FindThreshold(account_id)) return;
  const pg::Rows found = spi.RunLatest(read, account_id);
  if (found.empty()) return;
  const bool is_low = found[0].Get<int64_t>(1) > balance;
  const pg::Rows crossed = spi.RunLatest(cross, account_id, is_low, balance);
  if (crossed.empty() || !is_low) return;
  const auto threshold = crossed[0].Get<int64_t>(1);
  NoteLow(spi, account_id,
          JsonObject().Add("threshold", threshold).Add("balance", balance).ToString());
}

LATCHKEY_FUNCTION(set_low_balance, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto threshold = args.Optional<int64_t>(1);
  permissions::Require(args, "credits.write", account_id);
  if (threshold && *threshold < 1) {
    throw Error(ErrorCode::kInvalidArgument, "threshold must be at least 1, or null for none");
  }
  static pg::Statement erase("DELETE FROM latchkey.credit_thresholds WHERE account_id = $1");
  static pg::Statement write(R"(
    INSERT INTO latchkey.credit_thresholds (account_id, threshold, is_low) VALUES ($1, $2, false)
    ON CONFLICT (account_id) DO UPDATE SET threshold = $2)");
  pg::Spi spi;
  accounts::RequireLivingAccount(spi, account_id);
  if (threshold) {
    spi.RunLatest(write, account_id, *threshold);
    NoteBalance(spi, account_id, ReadSpendable(spi, account_id, pg::Now()));
  } else {
    spi.RunLatest(erase, account_id);
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::credits
