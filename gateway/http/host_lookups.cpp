// One thread for each host that is being looked up.
#include "gateway/http/host_lookups.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace latchkey {

struct HostLookups::State {
  struct Lookup {
    bool done = false;
    FoundAddresses found;
    std::condition_variable changed;
  };

  Resolver resolver;
  size_t most;
  std::chrono::milliseconds patience;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Lookup>> running;
};

HostLookups::HostLookups(Resolver resolver, size_t most, int64_t patience_ms)
    : state_(std::make_shared<State>()) {
  state_->resolver = std::move(resolver);
  state_->most = most;
  state_->patience = std::chrono::milliseconds(patience_ms);
}

FoundAddresses HostLookups::Find(const std::string& host) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  std::shared_ptr<State::Lookup>& place = state_->running[host];
  if (!place) {
    if (state_->running.size() > state_->most) {
      state_->running.erase(host);
      return {{}, "too many hosts are being looked up"};
    }
    place = std::make_shared<State::Lookup>();
    const auto ask = [state = state_, lookup = place, host] {
      FoundAddresses found = state->resolver(host);
      const std::lock_guard<std::mutex> done(state->mutex);
      lookup->found = std::move(found);
      lookup->done = true;
      lookup->changed.notify_all();
      state->running.erase(host);
    };
    try {
      std::thread(ask).detach();
    } catch (const std::system_error&) {
      state_->running.erase(host);
      return {{}, "no thread to look the host up"};
    }
  }
  const std::shared_ptr<State::Lookup> lookup = place;
  if (lookup->changed.wait_for(lock, state_->patience, [&] { return lookup->done; })) {
    return lookup->found;
  }
  return {{}, "the resolver takes too long"};
}

}  // namespace latchkey
