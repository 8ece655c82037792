// await_jobs, and NOTIFY for those who called it.
#include "extension/jobs/waiting.hpp"

#include "extension/jobs/claim.hpp"
#include "extension/jobs/store.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/presence.hpp"

extern "C" {
#include "commands/async.h"
}

namespace latchkey::jobs {

namespace {

constexpr const char* kChannel = "latchkey_jobs";

std::vector<uint64_t>& Awaited() {
  static auto& awaited = *new std::vector<uint64_t>;
  return awaited;
}

uint64_t KeyOf(std::string_view type) { return static_cast<uint64_t>(LaneOf(type)); }

}  // namespace

void WakeWorkers(std::string_view type) {
  if (!pg::Presence(KeyOf(type)).IsAnybodyThere()) return;
  const std::string payload(type);
  const char* text = payload.c_str();
  pg::Call([=] { Async_Notify(kChannel, text); });
}

void StopWaiting() {
  for (const uint64_t key : Awaited()) pg::Presence(key).Leave();
  Awaited().clear();
}

LATCHKEY_FUNCTION(await_jobs, kOpen) {
  const std::vector<std::string> types = TypesArgument(args, 0);
  permissions::Require(args, "jobs.write");
  StopWaiting();
  for (const std::string& type : types) {
    Awaited().push_back(KeyOf(type));
    pg::Presence(Awaited().back()).Enter();
  }
  return args.Void();
}

}  // namespace latchkey::jobs
