// UUID generation, parsing and printing.
#include "extension/core/uuid.hpp"

#include <pthread.h>

#include <array>
#include <chrono>
#include <cstring>

#include "extension/core/encoding.hpp"
#include "extension/core/random.hpp"

namespace latchkey {

namespace {

// Random bytes for many ids at a time: asking OpenSSL costs as much for one as for all of these.
// (For ids alone, which are no secrets: bytes lie here until an id takes them.)
class RandomPool {
 public:
  void Take(uint8_t* out, size_t size) {
    if (next_ + size > bytes_.size()) Fill();
    std::memcpy(out, bytes_.data() + next_, size);
    next_ += size;
  }
  void Drop() { next_ = bytes_.size(); }

 private:
  void Fill() {
    FillRandom(bytes_.data(), bytes_.size());
    next_ = 0;
  }

  std::array<uint8_t, 512> bytes_{};
  size_t next_ = bytes_.size();
};

thread_local RandomPool pool;

// A process that is forked off must not make its parent's next ids.
void DropInChild() { pool.Drop(); }

void TakeRandom(uint8_t* out, size_t size) {
  static const int registered = pthread_atfork(nullptr, nullptr, DropInChild);
  if (registered == 0) return pool.Take(out, size);
  FillRandom(out, size);
}

constexpr uint64_t kTicksPerMilli = 4096;  // the 12 bits after the milliseconds

uint64_t TickOfNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const uint64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  return nanos / 1000000 * kTicksPerMilli + nanos % 1000000 * kTicksPerMilli / 1000000;
}

// Never the same twice: a thread's ids are in the order in which they were made, as long as nobody
// sets the clock back. A tick is a quarter of a microsecond, so there is little to wait for.
uint64_t NextTick() {
  thread_local uint64_t last = 0;
  uint64_t tick = TickOfNow();
  while (tick == last) tick = TickOfNow();
  return last = tick;
}

}  // namespace

Uuid NewUuid() {
  const uint64_t tick = NextTick();
  const uint64_t millis = tick / kTicksPerMilli;
  const uint64_t fraction = tick % kTicksPerMilli;
  Uuid id;
  TakeRandom(id.bytes.data() + 8, 8);
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(millis >> (40 - 8 * i));
  id.bytes[6] = static_cast<uint8_t>(0x70 | (fraction >> 8));
  id.bytes[7] = static_cast<uint8_t>(fraction);
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string Uuid::ToString() const {
  const std::string hex = HexEncode(AsBytes());
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

std::optional<Uuid> ParseUuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid id;
  size_t out = 0;
  for (size_t i = 0; i < text.size();) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') return std::nullopt;
      continue;
    }
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[out++] = static_cast<uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

}  // namespace latchkey
