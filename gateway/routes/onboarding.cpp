// Routes of the module `onboarding`: what the caller has still to do.
#include "gateway/routes/route.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxStep = 40;

// A call that returns the steps, as an answer.
#define LATCHKEY_ONBOARDING(call)                                                         \
  "SELECT json_build_object('steps', json_agg(s), 'next_step', (array_agg(s.step) FILTER" \
  " (WHERE s.is_next))[1], 'complete', NOT bool_or(s.is_next)) FROM " call " AS s"

Route Answers(Route route) {
  return route.As(Who::kBearer)
      .Merged()
      .Returns("steps", "OnboardingStep", true)
      .Returns("next_step", "string")
      .OrNull()
      .Returns("complete", "boolean");
}

Route GetOnboarding() {
  return Answers(
      Route("GET", "/api/onboarding", "getOnboarding", "onboarding")
          .Summary("The steps of the caller's onboarding in their order, and which are "
                   "done: told from the facts.")
          .Reads(LATCHKEY_ONBOARDING("latchkey.onboarding(latchkey.current_user_id())")));
}

Route SkipStep() {
  return Answers(
      Route("PATCH", "/api/onboarding", "skipOnboardingStep", "onboarding")
          .Summary("Skips a step that is not required, or takes that back.")
          .Writes(
              LATCHKEY_ONBOARDING("latchkey.skip_onboarding_step(latchkey.current_user_id(), $1, "
                                  "coalesce($2::boolean, true))"))
          .Takes(BodyField("step", Type::kText, kRequired, kMaxStep, "payments or credits."))
          .Takes(BodyField("skipped", Type::kBoolean, kOptional, 0,
                           "false takes it back; true when absent.")));
}

}  // namespace

std::vector<Route> OnboardingRoutes() { return {GetOnboarding(), SkipStep()}; }

}  // namespace latchkey
