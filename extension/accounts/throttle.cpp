// Attempt limits.
#include "extension/accounts/throttle.hpp"

#include <algorithm>
#include <cstring>

#include "extension/core/digest.hpp"
#include "extension/pg/advisory_slot.hpp"
#include "extension/pg/transaction_state.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::accounts {

namespace {

constexpr int64_t kRetryWhenCrowded = 1000000;  // all places in flight: 1 s

constexpr settings::IntegerSetting kMailRequests("throttle.mail_requests");
constexpr settings::DurationSetting kWindow("throttle.window");

struct Used {
  std::vector<int32_t> places;
  pg::Timestamp window_ends_at;
  int64_t in_a_row = 0;

  bool Exhausts(const Limit& limit) const {
    return limit.in_a_row > 0 && in_a_row >= limit.in_a_row;
  }
};

std::string HashKey(std::string_view scope, std::string_view key) {
  return Sha256(std::string(scope) + '\n' + std::string(key));
}

uint64_t LockKey(const std::string& hash) {
  uint64_t key = 0;
  std::memcpy(&key, hash.data(), sizeof key);
  return key;
}

Used ReadUsed(pg::Spi& spi, std::string_view scope, const std::string& hash) {
  static pg::Statement statement(R"(
    SELECT u.place, a.window_ends_at, a.failures::bigint
      FROM latchkey.login_attempts a
      LEFT JOIN LATERAL unnest(a.places) AS u(place) ON a.window_ends_at > $3
     WHERE a.scope = $1 AND a.key_hash = $2)");
  Used used;
  const pg::Rows rows = spi.RunLatest(statement, scope, pg::Bytes{hash}, pg::Now());
  for (uint64_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].IsNull(1)) used.places.push_back(rows[i].Get<int32_t>(1));
    used.window_ends_at = rows[i].Get<pg::Timestamp>(2);
    used.in_a_row = rows[i].Get<int64_t>(3);
  }
  return used;
}

// The row is written by one transaction after the other, each with a snapshot of now: otherwise,
// under REPEATABLE READ, two failures at once would be a serialization failure, which counts
// nothing. Places are numbered below this slot.
constexpr uint16_t kWriting = 60000;

void LockWriting(const std::string& hash) {
  pg::AdvisorySlot(pg::AdvisorySlot::Reach::kDatabase, LockKey(hash), kWriting).Acquire();
}

bool Contains(const std::vector<int32_t>& places, int32_t place) {
  return std::find(places.begin(), places.end(), place) != places.end();
}

}  // namespace

Admission Admit(pg::Spi& spi, std::string_view scope, std::string_view key, const Limit& limit) {
  const std::string hash = HashKey(scope, key);
  Used used = ReadUsed(spi, scope, hash);
  if (used.Exhausts(limit)) return {};
  for (int32_t place = 0; place < limit.attempts; ++place) {
    if (Contains(used.places, place)) continue;
    pg::AdvisorySlot slot(pg::AdvisorySlot::Reach::kDatabase, LockKey(hash),
                          static_cast<uint16_t>(place));
    if (!slot.TryAcquire()) continue;
    // Whoever held the place may have used it up between our look and our lock.
    used = ReadUsed(spi, scope, hash);
    if (used.Exhausts(limit)) {
      slot.Release();
      return {};
    }
    if (!Contains(used.places, place)) {
      return {Attempt{std::string(scope), hash, place, limit}, std::nullopt};
    }
    slot.Release();
  }
  const bool locked = static_cast<int64_t>(used.places.size()) >= limit.attempts;
  return {std::nullopt, locked ? used.window_ends_at : pg::Now() + kRetryWhenCrowded};
}

void LockRecord(const Attempt& attempt) { LockWriting(attempt.key_hash); }

bool RecordFailure(pg::Spi& spi, const Attempt& attempt, const std::optional<Uuid>& holder) {
  // The window starts with its first failure, and starts anew with the failure that fills it.
  static pg::Statement statement(R"(
    INSERT INTO latchkey.login_attempts AS a (scope, key_hash, places, window_ends_at, user_id)
    VALUES ($1, $2, ARRAY[$3], $4, $7)
    ON CONFLICT (scope, key_hash) DO UPDATE SET
      places = CASE WHEN a.window_ends_at <= $5 THEN EXCLUDED.places
                    ELSE a.places || EXCLUDED.places END,
      window_ends_at = CASE WHEN a.window_ends_at <= $5
                              OR cardinality(a.places) + 1 >= $6 THEN EXCLUDED.window_ends_at
                            ELSE a.window_ends_at END,
      failures = a.failures + 1, user_id = EXCLUDED.user_id
    WHERE $8 = 0 OR a.failures < $8)");
  LockWriting(attempt.key_hash);
  const pg::Timestamp now = pg::Now();
  spi.RunLatest(statement, attempt.scope, pg::Bytes{attempt.key_hash}, attempt.place,
                now + attempt.limit.window_micros, now, attempt.limit.attempts, holder,
                attempt.limit.in_a_row);
  return spi.affected() > 0;
}

bool RecordSuccess(pg::Spi& spi, const Attempt& attempt) {
  // Returns the row that it has left.
  static pg::Statement statement(R"(
    WITH forgotten AS (
      DELETE FROM latchkey.login_attempts
       WHERE scope = $1 AND key_hash = $2 AND ($3 = 0 OR failures < $3))
    SELECT 1 FROM latchkey.login_attempts
     WHERE scope = $1 AND key_hash = $2 AND $3 > 0 AND failures >= $3)");
  LockRecord(attempt);
  return spi
      .RunLatest(statement, attempt.scope, pg::Bytes{attempt.key_hash}, attempt.limit.in_a_row)
      .empty();
}

void ForgetFailures(pg::Spi& spi, std::string_view scope, std::string_view key) {
  LockWriting(HashKey(scope, key));
  DropFailures(spi, scope, key);
}

void DropFailures(pg::Spi& spi, std::string_view scope, std::string_view key) {
  static pg::Statement statement(
      "DELETE FROM latchkey.login_attempts WHERE scope = $1 AND key_hash = $2");
  spi.RunLatest(statement, scope, pg::Bytes{HashKey(scope, key)});
}

bool MayMail(pg::Spi& spi, std::string_view scope, std::string_view email_key) {
  const Limit limit{kMailRequests.Get(spi), kWindow.Micros(spi)};
  const Admission admission = Admit(spi, scope, email_key, limit);
  if (admission.attempt) RecordFailure(spi, *admission.attempt);
  return admission.attempt.has_value();
}

std::optional<std::string> ClientNetwork(pg::Spi& spi) {
  static pg::Statement statement(R"(
    SELECT host(CASE WHEN family(a) = 4 THEN network(set_masklen(a, 32))
                     WHEN a <<= '::ffff:0:0/96' THEN network(set_masklen(a, 128))
                     ELSE network(set_masklen(a, 64)) END)
      FROM (SELECT $1::inet) AS t(a))");
  const pg::RequestContext* request = pg::BoundRequest();
  if (request == nullptr || request->client_address.empty()) return std::nullopt;
  std::string network = spi.Read(statement, request->client_address)[0].Text(1);
  constexpr std::string_view kMapped = "::ffff:";
  if (network.compare(0, kMapped.size(), kMapped) == 0) network.erase(0, kMapped.size());
  return network;
}

}  // namespace latchkey::accounts
