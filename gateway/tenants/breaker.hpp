// A circuit breaker: keeps requests from waiting for what has just failed.
#pragma once

#include <algorithm>
#include <cstdint>

namespace latchkey {

// While nothing is known, or after a failure, one attempt at a time tells for all. A failure
// refuses everybody for a moment, which doubles with each that follows; then one may try again.
class Breaker {
 public:
  bool Refuses(int64_t now_ms) const { return now_ms < closed_until_ms_; }
  // Enough are trying: whoever comes next learns from them.
  bool IsCrowded() const { return attempts_ >= (proven_ ? kMaxAttempts : 1); }

  void Begin() { ++attempts_; }
  void Succeed() {
    --attempts_;
    proven_ = true;
    pause_ms_ = 0;
    closed_until_ms_ = 0;
  }
  void Fail(int64_t now_ms) {
    --attempts_;
    // Those that began together fail together: that is one failure.
    if (Refuses(now_ms)) return;
    proven_ = false;
    pause_ms_ = std::min(kMaxPauseMs, std::max(kMinPauseMs, 2 * pause_ms_));
    closed_until_ms_ = now_ms + pause_ms_;
  }
  // The attempt has said nothing about this one.
  void Leave() { --attempts_; }
  // What is known was of something else.
  void Reset() {
    proven_ = false;
    pause_ms_ = 0;
    closed_until_ms_ = 0;
  }
  bool IsIdle(int64_t now_ms) const { return attempts_ == 0 && !Refuses(now_ms); }

  static constexpr int kMaxAttempts = 4;  // each may take a connect timeout, and a thread
  static constexpr int64_t kMinPauseMs = 250;
  static constexpr int64_t kMaxPauseMs = 8000;

 private:
  bool proven_ = false;
  int attempts_ = 0;
  int64_t pause_ms_ = 0, closed_until_ms_ = 0;
};

}  // namespace latchkey
