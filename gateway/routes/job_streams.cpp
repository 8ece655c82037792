// Watching jobs, and telling it as server-sent events (WHATWG HTML, section 9.2).
#include "gateway/routes/job_streams.hpp"

#include <algorithm>
#include <cstdlib>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPerToken = 20;
constexpr int64_t kHeartbeatMs = 15000;
// Then the client connects anew, and goes on where it was.
constexpr int64_t kMaxLifetimeMs = 3600000;
// For each reader; one result may be larger.
constexpr size_t kMaxPendingBytes = 1024 * 1024;
constexpr int64_t kLeastPauseMs = 100;
constexpr int64_t kStatementGraceMs = 1000;

std::string Event(const char* name, std::string_view data, const std::string& id = "") {
  std::string text = id.empty() ? "" : "id: " + id + "\n";
  text += std::string("event: ") + name + "\ndata: ";
  text.append(data).append("\n\n");
  return text;
}

// An array literal of texts: each in quotes.
std::string ArrayOf(const std::vector<std::string>& items) {
  std::string text = "{";
  for (const std::string& item : items) {
    text += text.size() > 1 ? ",\"" : "\"";
    for (const char c : item) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

bool IsOver(const std::string& status) { return status != "pending" && status != "processing"; }

}  // namespace

void JobStreams::Start(std::function<void(const StreamPtr&)> send) {
  send_ = std::move(send);
  thread_ = std::thread([this] { Run(); });
}

void JobStreams::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

size_t JobStreams::open() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return watches_.size();
}

std::optional<Failure> JobStreams::Open(Watched watched, StreamPtr& stream) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto same = static_cast<size_t>(
      std::count_if(watches_.begin(), watches_.end(), [&](const WatchPtr& watch) {
        return !watch->stream->closed() && watch->job.token == watched.token;
      }));
  if (watches_.size() >= options_.max_streams || same >= kMaxPerToken) {
    return Failure{ErrorId::TooBusy, "too many streams are open", "", 5};
  }
  auto watch = std::make_shared<Watch>();
  watch->stream = stream = std::make_shared<ResponseStream>();
  watch->job = std::move(watched);
  watch->heard_ms = MonotonicMs();
  watch->ends_ms = watch->heard_ms + kMaxLifetimeMs;
  watches_.push_back(std::move(watch));
  opened_.fetch_add(1, std::memory_order_relaxed);
  fresh_ = true;
  changed_.notify_all();
  return std::nullopt;
}

void JobStreams::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [this] { return stopping_ || !watches_.empty(); });
    if (stopping_) return;
    fresh_ = false;
    const std::vector<WatchPtr> watches = watches_;
    lock.unlock();
    Look(watches);
    Serve(watches);
    ForgetClosed();
    lock.lock();
    // Who comes now is told soon, but many who come don't make the statement run all the time.
    changed_.wait_for(lock, std::chrono::milliseconds(kLeastPauseMs), [this] { return stopping_; });
    changed_.wait_for(lock, std::chrono::milliseconds(options_.interval_ms - kLeastPauseMs),
                      [this] { return stopping_ || fresh_; });
  }
}

void JobStreams::Look(const std::vector<WatchPtr>& watches) {
  std::vector<std::string> columns[4];
  std::vector<Watch*> asked;
  for (const WatchPtr& watch : watches) {
    watch->is_full = watch->stream->pending() > 0;
    if (watch->is_full) continue;
    asked.push_back(watch.get());
    columns[0].push_back(watch->job.token);
    columns[1].push_back(watch->job.account_id);
    columns[2].push_back(watch->job.job_id);
    columns[3].push_back(std::to_string(watch->job.after));
  }
  if (asked.empty()) return;
  std::vector<Parameter> values;
  for (const auto& column : columns) values.push_back(ArrayOf(column));
  const TransactionOptions options{Access::kWrite, options_.prepare,
                                   options_.statement_timeout_ms + kStatementGraceMs};
  const TransactionResult result = RunPooled(pool_, {{&statement_, std::move(values)}}, options);
  if (result.error) {
    LogEvent("error", "the jobs of streams can't be read",
             {{"sqlstate", result.error->sqlstate}, {"message", result.error->message}});
  } else {
    for (int row = 0; row < PQntuples(result.rows.get()); ++row) {
      const auto place = static_cast<size_t>(std::atoi(PQgetvalue(result.rows.get(), row, 0)));
      if (place >= 1 && place <= asked.size()) Tell(*asked[place - 1], result.rows.get(), row);
    }
  }
}

void JobStreams::Serve(const std::vector<WatchPtr>& watches) {
  const int64_t now_ms = MonotonicMs();
  for (const WatchPtr& watch : watches) {
    KeepAlive(*watch, now_ms);
    send_(watch->stream);
  }
}

void JobStreams::Send(Watch& watch, std::string_view bytes) {
  watch.heard_ms = MonotonicMs();
  watch.stream->Append(bytes);
}

void JobStreams::KeepAlive(Watch& watch, int64_t now_ms) {
  if (now_ms >= watch.ends_ms) watch.stream->End();
  if (!watch.is_full && now_ms - watch.heard_ms >= kHeartbeatMs) Send(watch, ": still here\n\n");
}

void JobStreams::Tell(Watch& watch, const PGresult* rows, int row) {
  const auto text = [&](int column) { return std::string(PQgetvalue(rows, row, column)); };
  const std::string kind = text(1);
  watch.is_full = watch.is_full || watch.stream->pending() > kMaxPendingBytes;
  if (watch.is_full) return;
  if (kind == "result") {
    watch.job.after = std::atoll(PQgetvalue(rows, row, 2));
    Send(watch, Event("result", text(4), text(2)));
  } else if (kind == "error") {
    Send(watch, Event("error", text(4)));
    watch.stream->End();
  } else {
    TellState(watch, text(3), text(4), std::atoll(PQgetvalue(rows, row, 2)));
  }
}

void JobStreams::TellState(Watch& watch, const std::string& status, const std::string& data,
                           int64_t results) {
  if (IsOver(status)) {
    // The end comes after all partial results; those that did not fit come with the next look.
    if (results > watch.job.after) return;
    Send(watch, Event("end", data));
    watch.stream->End();
  } else if (data != watch.state) {
    Send(watch, Event(status == watch.status ? "progress" : "state", data));
    watch.status = status;
    watch.state = data;
  }
}

void JobStreams::ForgetClosed() {
  std::lock_guard<std::mutex> lock(mutex_);
  watches_.erase(std::remove_if(watches_.begin(), watches_.end(),
                                [](const WatchPtr& watch) { return watch->stream->closed(); }),
                 watches_.end());
}

}  // namespace latchkey
