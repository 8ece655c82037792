// What the commands that run until SIGTERM share.
#pragma once

#include "gateway/config.hpp"
#include "gateway/work/worker.hpp"

namespace latchkey {

// SIGTERM and SIGINT arrive on the descriptor that is returned, so that no code runs in a signal
// handler. Must be called before any thread is started, since they inherit the mask.
int CatchSignals();

// False when the URL is missing or malformed, which standard error is told of.
bool HaveDatabaseUrl(const std::string& url, const char* flag, const char* variable);
// False when the worker can't work with this, which standard error is told of.
bool CheckWorkerConfig(const Config& config);

Worker::Options WorkerOptionsOf(const Config& config);

}  // namespace latchkey
