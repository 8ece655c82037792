// What a new user has still to do: told from what other modules know, not from flags.
#include "extension/accounts/standing.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/credits/accounts.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/tenant_databases/store.hpp"
#include "extension/tenants/store.hpp"

namespace latchkey::onboarding {

namespace {

// What is asked about: the user, and the tenants that they own.
struct Subject {
  accounts::Credentials user;
  std::vector<Uuid> tenants;
};

template <typename Holds>
bool AnyTenant(const Subject& subject, const Holds& holds) {
  for (const Uuid& tenant_id : subject.tenants) {
    if (holds(tenant_id)) return true;
  }
  return false;
}

bool OwnsTenant(pg::Spi&, const Subject& subject) { return !subject.tenants.empty(); }

bool HasDatabase(pg::Spi& spi, const Subject& subject) {
  return AnyTenant(subject, [&](const Uuid& id) { return tenant_databases::IsReady(spi, id); });
}

bool HasPayments(pg::Spi& spi, const Subject& subject) {
  const auto holds = [&](const Uuid& id) { return accounts::HasPayments(spi, id); };
  return holds(subject.user.user_id) || AnyTenant(subject, holds);
}

bool HasCredits(pg::Spi& spi, const Subject& subject) {
  const auto holds = [&](const Uuid& id) { return credits::HasEverHadCredits(spi, id); };
  return holds(subject.user.user_id) || AnyTenant(subject, holds);
}

bool HasProfile(pg::Spi&, const Subject& subject) {
  return subject.user.name.find_first_not_of(' ') != std::string::npos;
}

struct Step {
  const char* name;
  bool required;
  bool (*is_done)(pg::Spi& spi, const Subject& subject);
};

// In the order in which they are to be done. What can be skipped stands in a constraint of
// latchkey.onboarding_skips as well.
constexpr Step kSteps[] = {{"create_store", true, OwnsTenant},
                           {"connect_database", true, HasDatabase},
                           {"payments", false, HasPayments},
                           {"credits", false, HasCredits},
                           {"profile", true, HasProfile}};

bool IsSkipped(pg::Spi& spi, const Uuid& user_id, const char* step) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.onboarding_skips WHERE user_id = $1 AND step = $2");
  return !spi.RunLatest(statement, user_id, step).empty();
}

std::vector<std::vector<pg::Value>> LoadSteps(pg::Spi& spi, const Uuid& user_id) {
  Subject subject{accounts::LoadCredentials(spi, user_id), tenants::OwnedBy(spi, user_id)};
  std::vector<std::vector<pg::Value>> rows;
  bool all_before_settled = true;
  for (const Step& step : kSteps) {
    const bool done = step.is_done(spi, subject);
    const bool skipped = !step.required && IsSkipped(spi, user_id, step.name);
    const bool settled = done || skipped;
    const MemoryContext old = MemoryContextSwitchTo(pg::ResultContext());
    rows.push_back({pg::ToValue(step.name), pg::ToValue(step.required), pg::ToValue(done),
                    pg::ToValue(skipped), pg::ToValue(all_before_settled && !settled)});
    MemoryContextSwitchTo(old);
    all_before_settled = all_before_settled && settled;
  }
  return rows;
}

void CheckSkippable(std::string_view name) {
  for (const Step& step : kSteps) {
    if (name != step.name) continue;
    if (!step.required) return;
    throw Error(ErrorCode::kInvalidArgument, "this step can't be skipped");
  }
  throw Error(ErrorCode::kInvalidArgument, "there is no such step");
}

// Returns whether that changed anything.
bool Store(pg::Spi& spi, const Uuid& user_id, std::string_view step, bool skip) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.onboarding_skips (user_id, step, skipped_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, step) DO NOTHING)");
  static pg::Statement remove(
      "DELETE FROM latchkey.onboarding_skips WHERE user_id = $1 AND step = $2");
  if (skip) {
    spi.RunLatest(insert, user_id, step, pg::Now());
  } else {
    spi.RunLatest(remove, user_id, step);
  }
  return spi.affected() > 0;
}

}  // namespace

LATCHKEY_FUNCTION(onboarding, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireAccount(args, user_id, "users.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto rows = LoadSteps(spi, user_id);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

LATCHKEY_FUNCTION(skip_onboarding_step, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  const auto step = args.Text(1, "step");
  const auto skip = args.Get<bool>(2, "skip");
  permissions::RequireAccount(args, user_id, "users.write");
  CheckSkippable(step);
  pg::Spi spi;
  accounts::LoadCredentials(spi, user_id);  // LK404 for who is not there
  if (Store(spi, user_id, step, skip)) {
    events::Record(spi, {user_id, "user", user_id.ToString(),
                         skip ? "onboarding.step_skipped" : "onboarding.step_resumed",
                         JsonObject().Add("step", step).ToString()});
  }
  const auto rows = LoadSteps(spi, user_id);
  spi.Finish();
  return tenants::EmitAll(args, rows);
}

}  // namespace latchkey::onboarding
