// What single accounts have instead of what their plan says.
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/plans/feature_definitions.hpp"

namespace latchkey::plans {

namespace {

constexpr size_t kMaxReason = 500;

struct Facts {
  std::optional<bool> granted;  // none: it is taken back
  std::optional<int64_t> granted_limit;
  std::optional<std::string> period;
  std::optional<pg::Timestamp> ends_at;
  std::optional<std::string> reason;
};

std::optional<Uuid> Actor() {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr) return std::nullopt;
  return identity->user_id;
}

void Store(pg::Spi& spi, const Uuid& account_id, const std::string& feature, const Facts& o,
           pg::Timestamp now) {
  static pg::Statement upsert(R"(
    INSERT INTO latchkey.feature_overrides (account_id, feature, granted, granted_limit, period,
                                            ends_at, reason, set_at, set_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (account_id, feature) DO UPDATE SET
      granted = $3, granted_limit = $4, period = $5, ends_at = $6, reason = $7, set_at = $8,
      set_by = $9)");
  spi.RunLatest(upsert, account_id, feature, o.granted, o.granted_limit, o.period, o.ends_at,
                o.reason, now, Actor());
}

// The override's row is locked: changes follow each other in time.
void NoteChange(pg::Spi& spi, const Uuid& account_id, const std::string& feature, const Facts& o) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.feature_override_changes (account_id, feature, since, id, granted,
                                                   granted_limit, period, ends_at, reason, set_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10))");
  spi.RunLatest(insert, account_id, feature, pg::Now(), NewUuid(), o.granted, o.granted_limit,
                o.period, o.ends_at, o.reason, Actor());
}

}  // namespace

LATCHKEY_FUNCTION(set_feature_override, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const FeatureChange change = ReadFeatureChange(args);
  const auto ends_at = args.Optional<pg::Timestamp>(5);
  const auto reason = args.Optional<std::string>(6);
  // Platform-wide only: a tenant's owner must not give the tenant what it doesn't pay for.
  permissions::Require(args, "plans.assign");
  if (reason && reason->size() > kMaxReason) {
    throw Error(ErrorCode::kInvalidArgument, "reason is longer than 500 bytes");
  }
  const pg::Timestamp now = pg::Now();
  if (ends_at && *ends_at <= now) {
    throw Error(ErrorCode::kInvalidArgument, "ends_at must lie in the future");
  }
  const Facts facts{change.granted, change.feature.granted_limit, change.feature.period, ends_at,
                    reason};
  pg::Spi spi;
  CheckFeatureChange(spi, change);
  accounts::RequireLivingAccount(spi, account_id);
  Store(spi, account_id, change.feature.key, facts, now);
  NoteChange(spi, account_id, change.feature.key, facts);
  events::Record(spi, {account_id, "account", account_id.ToString(), "feature_override.set",
                       FeatureFacts(change, std::nullopt, ends_at)});
  spi.Finish();
  return args.Void();
}

LATCHKEY_FUNCTION(clear_feature_override, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto feature = args.Text(1, "feature");
  permissions::Require(args, "plans.assign");
  static pg::Statement statement(
      "DELETE FROM latchkey.feature_overrides WHERE account_id = $1 AND feature = $2");
  pg::Spi spi;
  spi.RunLatest(statement, account_id, feature);
  const bool cleared = spi.affected() > 0;
  if (cleared) {
    NoteChange(spi, account_id, std::string(feature), {});
    events::Record(spi, {account_id, "account", account_id.ToString(), "feature_override.cleared",
                         JsonObject().Add("feature", feature).ToString()});
  }
  spi.Finish();
  return args.Return(cleared);
}

}  // namespace latchkey::plans
