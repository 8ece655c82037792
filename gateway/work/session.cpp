// Waiting for a statement in slices, so that it can be cancelled meanwhile.
#include "gateway/work/session.hpp"

#include <poll.h>

#include <algorithm>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"
#include "gateway/work/handlers.hpp"

namespace latchkey {
namespace {

constexpr int64_t kSliceMs = 50;
// How long a cancelled statement may take to end before the connection is closed.
constexpr int64_t kCancelTimeoutMs = 1000;
constexpr size_t kMaxParameters = 8;

TransactionResult Lost(std::string message) {
  TransactionResult result;
  result.error = SqlError{"", std::move(message), "", ""};
  return result;
}

bool Failed(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

}  // namespace

bool WorkSession::Connect() {
  if (connection_) return true;
  auto fresh = std::make_unique<PgConnection>(options_);
  if (!fresh->ok()) {
    LogEvent("error", "the worker can't connect", {{"message", fresh->ErrorText()}});
    return false;
  }
  connection_ = std::move(fresh);
  return true;
}

void WorkSession::CloseIfDead() {
  if (connection_ && connection_->LooksDead()) Close();
}

TransactionResult WorkSession::Run(const char* sql, const std::vector<Parameter>& values,
                                   int64_t timeout_ms, const std::atomic<bool>* cancel) {
  if (!Connect()) return Lost("the database can't be reached");
  PGconn* handle = connection_->handle();
  const char* texts[kMaxParameters] = {};
  const size_t count = std::min(values.size(), kMaxParameters);
  for (size_t i = 0; i < count; ++i) texts[i] = values[i] ? values[i]->c_str() : nullptr;
  const int64_t deadline_ms = timeout_ms ? MonotonicMs() + timeout_ms : 0;
  TransactionResult outcome;
  bool alive = PQsendQueryParams(handle, sql, static_cast<int>(count), nullptr, texts, nullptr,
                                 nullptr, 0) == 1;
  while (alive) {
    alive = AwaitResult(deadline_ms, cancel);
    if (!alive) break;
    PgResult result(PQgetResult(handle));
    if (!result) break;
    if (Failed(result.get())) outcome.error = ReadError(result.get());
    outcome.rows = std::move(result);
  }
  if (alive && connection_->ok()) return outcome;
  Close();
  return Lost("the connection to the database was lost");
}

bool WorkSession::AwaitResult(int64_t deadline_ms, const std::atomic<bool>* cancel) {
  PGconn* handle = connection_->handle();
  bool cancelled = false;
  while (PQisBusy(handle)) {
    const int64_t now_ms = MonotonicMs();
    if (!cancelled && cancel && cancel->load()) {
      SendCancel();
      cancelled = true;
      deadline_ms = now_ms + kCancelTimeoutMs;
    }
    if (deadline_ms && now_ms >= deadline_ms) return false;
    const int unsent = PQflush(handle);
    if (unsent < 0) return false;
    pollfd ready = {socket(), static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), 0};
    if (poll(&ready, 1, kSliceMs) > 0 && PQconsumeInput(handle) != 1) return false;
  }
  return true;
}

void WorkSession::SendCancel() {
  char message[256];
  const std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel(PQgetCancel(connection_->handle()),
                                                              PQfreeCancel);
  if (cancel) PQcancel(cancel.get(), message, sizeof message);
}

void WorkSession::ReadSocket() {
  if (PQconsumeInput(connection_->handle()) != 1) Close();
}

bool WorkSession::TakeNotifications() {
  bool ours = false;
  while (PGnotify* notification = PQnotifies(connection_->handle())) {
    ours = ours || FindJobHandler(notification->extra);
    PQfreemem(notification);
  }
  return ours;
}

}  // namespace latchkey
