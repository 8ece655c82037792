// start_trial and cancel_trial.
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"
#include "extension/trials/addresses.hpp"
#include "extension/trials/trials.hpp"

namespace latchkey::trials {

namespace {

constexpr settings::DurationSetting kLength("trials.length");
constexpr int64_t kMicrosPerDay = int64_t{86400} * 1000000;
constexpr int64_t kMaxLength = 366 * kMicrosPerDay;
constexpr int64_t kMaxDelay = 366 * kMicrosPerDay;

int64_t ReadLength(pg::Spi& spi, const pg::Raw& length) {
  static pg::Statement micros(
      "SELECT (least(extract(epoch FROM $1), 100000000) * 1000000)::bigint");
  if (length.is_null) return kLength.Micros(spi);
  const auto value = spi.Read(micros, length)[0].Get<int64_t>(1);
  if (value < 1 || value > kMaxLength) {
    throw Error(ErrorCode::kInvalidArgument, "length must lie between 0 and 366 days");
  }
  return value;
}

// What lies in the past is now: a caller's clock, or now(), is behind ours.
pg::Timestamp StartOf(std::optional<pg::Timestamp> starts_at, pg::Timestamp now) {
  if (!starts_at || *starts_at < now) return now;
  if (*starts_at <= now + kMaxDelay) return *starts_at;
  throw Error(ErrorCode::kInvalidArgument, "starts_at must lie within the next 366 days");
}

// What has no price is agreed on with somebody, and so is its trial.
bool HasPrice(pg::Spi& spi, std::string_view plan) {
  static pg::Statement statement(R"(
    SELECT coalesce(monthly_price_cents, 0) + coalesce(yearly_price_cents, 0) > 0
      FROM latchkey.plans WHERE key = $1)");
  const pg::Rows rows = spi.RunLatest(statement, plan);
  return !rows.empty() && rows[0].Get<bool>(1);
}

void RequireNoPlan(pg::Spi& spi, const accounts::Standing& standing, pg::Timestamp now) {
  if (accounts::EffectivePlan(spi, standing, now) == accounts::kFreePlan) return;
  throw Error(ErrorCode::kConflict, "the account has plan \"" + standing.plan + "\" already");
}

void Insert(pg::Spi& spi, const Trial& trial) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.trials (account_id, plan, status, requested_at, starts_at, ends_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id) DO NOTHING)");
  spi.RunLatest(statement, trial.account_id, trial.plan, trial.status, trial.requested_at,
                trial.starts_at, trial.ends_at);
  if (spi.affected() > 0 && TakeAddress(spi, trial.account_id)) return;
  throw Error(ErrorCode::kConflict, "there was a trial before", {},
              "An account, and an address, can have one trial.");
}

void Begin(pg::Spi& spi, const Trial& trial) {
  const plans::NewestVersion newest(spi, trial.plan);
  newest.RequireOnOffer();
  accounts::RequireLivingAccount(spi, trial.account_id);
  const accounts::Standing before = plans::LockStanding(spi, trial.account_id);
  RequireNoPlan(spi, before, trial.requested_at);
  Insert(spi, trial);
  accounts::Standing standing;
  standing.plan = trial.plan;
  standing.plan_version = newest.Take(spi);
  standing.subscription_status = "trialing";
  standing.status_changed_at = trial.requested_at;
  standing.trial_starts_at = trial.starts_at;
  standing.trial_ends_at = trial.ends_at;
  plans::StoreStanding(spi, trial.account_id, standing, trial.requested_at);
  Record(spi, trial, trial.status == "pending" ? "trial.scheduled" : "trial.started");
}

}  // namespace

LATCHKEY_FUNCTION(start_trial, kOpen) {
  Trial trial;
  trial.account_id = args.Get<Uuid>(0, "account_id");
  trial.plan = std::string(args.Text(1, "plan"));
  const pg::Raw length = args.AsIs(2, INTERVALOID);
  const auto starts_at = args.Optional<pg::Timestamp>(3);
  permissions::RequireAccount(args, trial.account_id, "trials.write");
  pg::Spi spi;
  if (!length.is_null || starts_at || !HasPrice(spi, trial.plan)) {
    permissions::Require(args, "trials.write");
  }
  if (trial.plan == accounts::kFreePlan) {
    throw Error(ErrorCode::kInvalidArgument, "plan \"free\" needs no trial");
  }
  PrepareAddressKey(spi);
  trial.requested_at = pg::Now();
  trial.starts_at = StartOf(starts_at, trial.requested_at);
  trial.ends_at = trial.starts_at + ReadLength(spi, length);
  trial.status = trial.starts_at <= trial.requested_at ? "active" : "pending";
  Begin(spi, trial);
  spi.Finish();
  return args.ReturnRow(TrialRow(trial, trial.requested_at));
}

LATCHKEY_FUNCTION(cancel_trial, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  permissions::RequireAccount(args, account_id, "trials.write");
  pg::Spi spi;
  plans::LockStanding(spi, account_id);
  auto trial = FindTrial(spi, account_id);
  if (!trial) throw Error(ErrorCode::kNotFound, "the account has no trial");
  const pg::Timestamp now = pg::Now();
  const std::string status = trial->StatusAt(now);
  if (status != "pending" && status != "active") {
    throw Error(ErrorCode::kConflict, "the trial is over: " + status);
  }
  CatchUp(spi, *trial, now);
  End(spi, *trial, "cancelled", now);
  LeavePlan(spi, account_id, now);
  spi.Finish();
  return args.ReturnRow(TrialRow(*trial, now));
}

}  // namespace latchkey::trials
