// Connecting outside, and being interrupted there.
#include "gateway/work/outside_connection.hpp"

#include <algorithm>
#include <limits>

namespace latchkey {
namespace {

void SendCancel(PGconn* handle) {
  char message[256];
  const std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel(PQgetCancel(handle), PQfreeCancel);
  if (cancel) PQcancel(cancel.get(), message, sizeof message);
}

}  // namespace

OutsideConnection::OutsideConnection(HeldJob& job, const DatabaseAddress& address,
                                     int connect_timeout_s)
    : job_(job) {
  const ConnectionString made = MakeConnectionString(address);
  error_ = made.error;
  if (!error_.empty()) return;
  connection_ = std::make_unique<PgConnection>(
      ConnectOptions{made.text, connect_timeout_s, "latchkey-worker"});
  if (!connection_->ok()) {
    error_ = OneLine(connection_->ErrorText());
    return;
  }
  connection_->LimitAnswer(kMaxTenantAnswerBytes);
  // It may take as long as it likes.
  job_.SetStop([handle = connection_->handle()] { SendCancel(handle); },
               std::numeric_limits<int64_t>::max());
}

OutsideConnection::~OutsideConnection() { job_.SetStop({}, 0); }

std::string OneLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace latchkey
