// The life of a trial: what the clock does to it, and who ends it.
#include "extension/trials/trials.hpp"

#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::trials {

namespace {

void Store(pg::Spi& spi, Trial& trial, const char* status, std::optional<pg::Timestamp> ended_at) {
  static pg::Statement statement(
      "UPDATE latchkey.trials SET status = $2, ended_at = $3 WHERE account_id = $1");
  trial.status = status;
  trial.ended_at = ended_at;
  spi.RunLatest(statement, trial.account_id, status, ended_at);
}

}  // namespace

void Record(pg::Spi& spi, const Trial& trial, const char* type) {
  events::Record(spi, {trial.account_id, "account", trial.account_id.ToString(), type,
                       JsonObject()
                           .Add("plan", trial.plan)
                           .Add("starts_at", trial.starts_at.UnixSeconds())
                           .Add("ends_at", trial.ends_at.UnixSeconds())
                           .ToString()});
}

std::string Trial::StatusAt(pg::Timestamp at) const {
  if (!IsOpen()) return status;
  if (ends_at <= at) return "expired";
  return starts_at <= at ? "active" : "pending";
}

Trial ReadTrial(const pg::Row& row) {
  return {row.Get<Uuid>(1),
          row.Text(2),
          row.Text(3),
          row.Get<pg::Timestamp>(4),
          row.Get<pg::Timestamp>(5),
          row.Get<pg::Timestamp>(6),
          row.Optional<pg::Timestamp>(7)};
}

std::optional<Trial> FindTrial(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(LATCHKEY_TRIAL "WHERE account_id = $1");
  const pg::Rows rows = spi.RunLatest(statement, account_id);
  if (rows.empty()) return std::nullopt;
  return ReadTrial(rows[0]);
}

void LeavePlan(pg::Spi& spi, const Uuid& account_id, pg::Timestamp since) {
  accounts::Standing standing;
  standing.status_changed_at = since;
  plans::StoreStanding(spi, account_id, standing, since);
}

bool CatchUp(pg::Spi& spi, Trial& trial, pg::Timestamp now) {
  if (trial.StatusAt(now) == trial.status) return false;
  if (trial.status == "pending") {
    Store(spi, trial, "active", std::nullopt);
    Record(spi, trial, "trial.started");
  }
  if (trial.StatusAt(now) == "expired") {
    Store(spi, trial, "expired", trial.ends_at);
    LeavePlan(spi, trial.account_id, trial.ends_at);
    Record(spi, trial, "trial.expired");
  }
  return true;
}

void End(pg::Spi& spi, Trial& trial, const char* status, pg::Timestamp now) {
  Store(spi, trial, status, now);
  const bool converted = trial.status == "converted";
  Record(spi, trial, converted ? "trial.converted" : "trial.cancelled");
}

void CloseTrial(pg::Spi& spi, const Uuid& account_id, bool converted) {
  auto trial = FindTrial(spi, account_id);
  if (!trial || !trial->IsOpen()) return;
  const pg::Timestamp now = pg::Now();
  CatchUp(spi, *trial, now);
  if (trial->IsOpen()) End(spi, *trial, converted ? "converted" : "cancelled", now);
}

std::vector<pg::Value> TrialRow(const Trial& trial, pg::Timestamp now) {
  const std::string status = trial.StatusAt(now);
  std::optional<pg::Timestamp> ended_at = trial.ended_at;
  if (!ended_at && status == "expired") ended_at = trial.ends_at;
  return {pg::ToValue(trial.account_id), pg::ToValue(trial.plan),
          pg::ToValue(status),           pg::ToValue(trial.requested_at),
          pg::ToValue(trial.starts_at),  pg::ToValue(trial.ends_at),
          pg::ToValue(ended_at)};
}

}  // namespace latchkey::trials
