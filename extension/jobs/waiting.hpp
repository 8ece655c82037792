// Waking workers that wait.
#pragma once

#include "extension/pg/args.hpp"

namespace latchkey::jobs {

// NOTIFY latchkey_jobs with the type, at commit, when a worker waits for it. The server serializes
// the commits of those who notify, so nobody does without need.
void WakeWorkers(std::string_view type);

// This connection has found work.
void StopWaiting();

}  // namespace latchkey::jobs
