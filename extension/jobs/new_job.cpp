// What a new job is made of: checks, its place in line, its idempotency key.
#include "extension/core/digest.hpp"
#include "extension/core/error.hpp"
#include "extension/events/events.hpp"
#include "extension/jobs/store.hpp"
#include "extension/pg/transaction_state.hpp"

extern "C" {
#include "access/transam.h"
}

namespace latchkey::jobs {

namespace {

constexpr size_t kMaxType = 100;
constexpr size_t kMaxGroupBytes = 255;
constexpr size_t kMaxKeyBytes = 255;
constexpr int32_t kMaxRetries = 1000;
constexpr int64_t kMaxTimeoutMicros = 30 * kMicrosPerDay;
constexpr size_t kFingerprintBytes = 16;

[[noreturn]] void Refuse(const char* message) { throw Error(ErrorCode::kInvalidArgument, message); }

bool IsTypeCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' ||
         c == '-';
}

void CheckLength(const std::optional<std::string>& text, size_t most, const char* message) {
  if (text && (text->empty() || text->size() > most)) Refuse(message);
}

std::string Spell(const std::optional<std::string>& text) {
  return text ? std::to_string(text->size()) + ':' + *text : "-";
}

}  // namespace

void CheckType(std::string_view type) {
  bool good = !type.empty() && type.size() <= kMaxType && type[0] >= 'a' && type[0] <= 'z';
  for (const char c : type) good = good && IsTypeCharacter(c);
  if (good) return;
  throw Error(ErrorCode::kInvalidArgument, "the type of a job is malformed", {},
              "It begins with a letter and has up to 100 of a to z, 0 to 9, '_', '.', ':', '-'.");
}

void Check(const NewJob& job) {
  CheckType(job.type);
  if (job.payload.is_null) Refuse("payload must not be null");
  if (job.priority < -kMaxPriority || job.priority > kMaxPriority) {
    Refuse("priority must lie between -1000000 and 1000000");
  }
  if (job.run_at && TIMESTAMP_NOT_FINITE(job.run_at->micros)) Refuse("run_at must be finite");
  if (job.max_retries && (*job.max_retries < 0 || *job.max_retries > kMaxRetries)) {
    Refuse("max_retries must lie between 0 and 1000");
  }
  if (!job.timeout.is_null) {
    const int64_t micros = pg::IntervalMicros(job.timeout.value);
    if (micros < 1000000 || micros > kMaxTimeoutMicros) {
      Refuse("timeout must lie between 1 second and 30 days");
    }
  }
  CheckLength(job.idempotency_key, kMaxKeyBytes, "idempotency_key must have from 1 to 255 bytes");
  CheckLength(job.group_key, kMaxGroupBytes, "group_key must have from 1 to 255 bytes");
}

int64_t LaneOf(std::string_view group_key) {
  const std::string digest = Sha256(group_key);
  uint64_t lane = 0;
  for (int i = 0; i < 8; ++i) lane = lane << 8 | static_cast<uint8_t>(digest[i]);
  return static_cast<int64_t>(lane >> 2);
}

int64_t LaneOf(const std::optional<std::string>& group_key, const Uuid& account_id) {
  return LaneOf(group_key ? std::string_view(*group_key) : account_id.AsBytes());
}

int64_t ReservePositions(int64_t count) {
  constexpr int64_t kLast = (int64_t{1} << kPositionShift) - 1;
  static int64_t transaction = 0;
  static int64_t taken = 0;
  const auto current = static_cast<int64_t>(
      pg::Call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); }));
  if (current != transaction) {
    transaction = current;
    taken = 0;
  }
  // Who enqueues a million in one transaction gets the rest of them in no particular order.
  const int64_t first = std::min(taken, kLast - std::min(count, kLast));
  taken = std::min(taken + count, kLast);
  return (current << kPositionShift) + first;
}

std::string FingerprintOf(const NewJob& job) {
  std::string text = Spell(std::string(job.type)) + std::to_string(job.priority) + ';';
  text += job.run_at ? std::to_string(job.run_at->micros) : "-";
  text += ';' + (job.max_retries ? std::to_string(*job.max_retries) : "-") + ';';
  text += job.timeout.is_null ? "-" : std::to_string(pg::IntervalMicros(job.timeout.value));
  text += ';' + Spell(job.group_key) + pg::JsonText(job.payload.value);
  return Sha256(text).substr(0, kFingerprintBytes);
}

std::optional<Uuid> ClaimKey(pg::Spi& spi, const Uuid& account_id, const Uuid& job_id,
                             const NewJob& job) {
  static pg::Statement insert(R"(
    INSERT INTO latchkey.job_keys (account_id, idempotency_key, job_id, fingerprint)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING)");
  static pg::Statement find(R"(
    SELECT job_id, fingerprint FROM latchkey.job_keys
     WHERE account_id = $1 AND idempotency_key = $2)");
  const std::string fingerprint = FingerprintOf(job);
  spi.RunLatest(insert, account_id, *job.idempotency_key, job_id, pg::Bytes{fingerprint});
  if (spi.affected() == 1) return std::nullopt;
  const pg::Rows rows = spi.RunLatest(find, account_id, *job.idempotency_key);
  if (rows.empty()) throw Error(ErrorCode::kConflict, "the call was undone; try again");
  if (rows[0].Text(2) != fingerprint) {
    throw Error(ErrorCode::kIdempotencyMismatch,
                "the idempotency key was used before with other arguments");
  }
  return rows[0].Get<Uuid>(1);
}

Uuid DefaultAccount() {
  const pg::Identity* identity = pg::BoundIdentity();
  if (identity == nullptr || identity->kind != pg::Identity::kUser) return events::kPlatform;
  return identity->user_id;
}

}  // namespace latchkey::jobs
