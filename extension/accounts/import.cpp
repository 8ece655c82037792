// import_users: takes over users of an older product, entry by entry, each in its own
// subtransaction.
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/passwords.hpp"
#include "extension/accounts/standing.hpp"
#include "extension/accounts/usage.hpp"
#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/core/password_hash.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::accounts {

namespace {

constexpr size_t kMaxLegacyId = 255;

// An entry of the file, with its values as text where their type is right.
struct Entry {
  std::string email;
  std::optional<std::string> legacy_id, name, password, tier, status, stripe_customer_id,
      created_at;
  std::optional<std::string> usage_daily, usage_total;
  std::string problem;  // what is wrong with its types
};

struct Outcome {
  std::string email;
  const char* outcome;
  std::optional<std::string> reason;
  std::optional<Uuid> user_id;
};

// Reads {"users": {email: {...}}}, {email: {...}} or [{"email": ..., ...}] in one form. A value of
// the wrong JSON type is named, never converted. An object's keys have lost the file's order, so of
// two spellings of an address the one in lower case comes first; an array keeps its order.
pg::Statement& ReadEntries() {
  static pg::Statement statement(R"(
    WITH root AS (
      SELECT CASE WHEN jsonb_typeof($1 -> 'users') IN ('object', 'array') THEN $1 -> 'users'
                  ELSE $1 END AS users),
    entries AS (
      SELECT e.key AS email, e.value AS entry, e.key <> lower(e.key) AS odd, e.place
        FROM root, jsonb_each(CASE jsonb_typeof(users) WHEN 'object' THEN users ELSE '{}' END)
             WITH ORDINALITY AS e(key, value, place)
      UNION ALL
      SELECT e.value ->> 'email', e.value, false, e.place
        FROM root, jsonb_array_elements(CASE jsonb_typeof(users) WHEN 'array' THEN users ELSE '[]' END)
             WITH ORDINALITY AS e(value, place))
    SELECT coalesce(email, ''), entry ->> 'id', entry ->> 'name', entry ->> 'password', entry ->> 'tier',
           entry ->> 'subscriptionStatus', entry ->> 'stripeCustomerId', entry ->> 'createdAt',
           entry #>> '{usage,daily}', entry #>> '{usage,total}',
           CASE WHEN jsonb_typeof(entry) <> 'object' THEN 'the entry is not an object'
                ELSE (SELECT t.name || ' has the wrong type'
                        FROM (VALUES ('id', entry -> 'id', 'string'),
                                     ('name', entry -> 'name', 'string'),
                                     ('password', entry -> 'password', 'string'),
                                     ('tier', entry -> 'tier', 'string'),
                                     ('subscriptionStatus', entry -> 'subscriptionStatus', 'string'),
                                     ('stripeCustomerId', entry -> 'stripeCustomerId', 'string'),
                                     ('createdAt', entry -> 'createdAt', 'string'),
                                     ('usage', entry -> 'usage', 'object'),
                                     ('usage.daily', entry #> '{usage,daily}', 'number'),
                                     ('usage.total', entry #> '{usage,total}', 'number'))
                             AS t(name, value, type)
                       WHERE jsonb_typeof(t.value) NOT IN (t.type, 'null') LIMIT 1) END
      FROM entries ORDER BY odd, place)");
  return statement;
}

Entry ReadEntry(const pg::Row& row) {
  Entry entry;
  entry.email = row.Text(1);
  entry.legacy_id = row.Optional<std::string>(2);
  entry.name = row.Optional<std::string>(3);
  entry.password = row.Optional<std::string>(4);
  entry.tier = row.Optional<std::string>(5);
  entry.status = row.Optional<std::string>(6);
  entry.stripe_customer_id = row.Optional<std::string>(7);
  entry.created_at = row.Optional<std::string>(8);
  entry.usage_daily = row.Optional<std::string>(9);
  entry.usage_total = row.Optional<std::string>(10);
  entry.problem = row.Optional<std::string>(11).value_or("");
  return entry;
}

[[noreturn]] void Reject(const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, reason);
}

// YYYY-MM-DD, then maybe a time: what timestamptz reads beyond that ("yesterday", "now") is no
// date.
bool LooksLikeIsoDate(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  for (const size_t i : {0, 1, 2, 3, 5, 6, 8, 9}) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return text.size() == 10 || text[10] == 'T' || text[10] == ' ';
}

// A time without a zone is UTC, whatever the session's TimeZone is.
std::string WithZone(const std::string& text) {
  if (text.size() == 10) return text + "T00:00:00Z";
  return text.find_first_of("Zz+-", 10) == std::string::npos ? text + 'Z' : text;
}

pg::Timestamp ParseCreatedAt(pg::Spi& spi, const std::optional<std::string>& text) {
  static pg::Statement statement("SELECT $1::timestamptz");
  if (!text) return pg::Now();
  if (!LooksLikeIsoDate(*text)) Reject("createdAt is not an ISO 8601 date");
  return spi.Read(statement, WithZone(*text))[0].Get<pg::Timestamp>(1);
}

int64_t ParseCount(const std::optional<std::string>& text, const char* name) {
  if (!text) return 0;
  const bool digits = text->find_first_not_of("0123456789") == std::string::npos;
  if (!digits || text->size() > 15) Reject(std::string(name) + " is not a count");
  return std::stoll(*text);
}

void RequirePlan(pg::Spi& spi, const std::string& plan) {
  const PlanOffer offer = hooks.offer_of(spi, plan);
  if (offer == PlanOffer::kUnknown) Reject("tier \"" + plan + "\" is not a plan");
  if (offer == PlanOffer::kWithdrawn) Reject("tier \"" + plan + "\" is not on offer");
}

void CheckSubscription(const Entry& entry) {
  if (entry.status && !IsKnownStatus(*entry.status)) {
    Reject("subscriptionStatus \"" + *entry.status + "\" is not known");
  }
  if (!entry.stripe_customer_id) return;
  const std::string& id = *entry.stripe_customer_id;
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (id.empty() || id.size() > 255 || id.find_first_not_of(kAllowed) != std::string::npos) {
    Reject("stripeCustomerId is malformed");
  }
}

// A hash is kept, a plain password is hashed, and what breaks today's rules becomes no password at
// all.
std::optional<std::string> TakePassword(pg::Spi& spi, const std::optional<std::string>& password,
                                        std::optional<std::string>& remark) {
  if (!password || password->empty()) {
    remark = "there was no password: a reset is needed";
    return std::nullopt;
  }
  if (SchemeOf(*password) != HashScheme::kUnknown) return password;
  if (LooksLikeHash(*password)) {
    remark = "the password's hash is of no known scheme: a reset is needed";
    return std::nullopt;
  }
  if (CheckPasswordRules(spi, *password)) {
    remark = "the password breaks today's rules: a reset is needed";
    return std::nullopt;
  }
  return HashPassword(spi, *password);
}

void StoreStanding(pg::Spi& spi, const Uuid& id, const Entry& entry, pg::Timestamp created_at) {
  static pg::Statement update_account(R"(
    UPDATE latchkey.accounts
       SET stripe_customer_id = $2, created_at = $3
     WHERE id = $1)");
  static pg::Statement update_user(R"(
    UPDATE latchkey.users
       SET created_at = $2,
           profile = CASE WHEN $3 IS NULL THEN profile
                          ELSE profile || jsonb_build_object('legacy_id', $3) END
     WHERE id = $1)");
  static pg::Statement insert_customer(
      "INSERT INTO latchkey.stripe_customers (stripe_customer_id, account_id) VALUES ($1, $2)"
      " ON CONFLICT (stripe_customer_id) DO UPDATE SET account_id = EXCLUDED.account_id"
      " WHERE latchkey.stripe_customers.account_id IS NULL");
  if (entry.stripe_customer_id) {
    spi.Run(insert_customer, *entry.stripe_customer_id, id);
    if (spi.affected() == 0) Reject("stripeCustomerId belongs to another account");
  }
  hooks.subscribe(spi, id, entry.tier.value_or(kFreePlan), entry.status.value_or("inactive"));
  spi.Run(update_account, id, entry.stripe_customer_id, created_at);
  spi.Run(update_user, id, created_at, entry.legacy_id);
}

void StoreUsage(pg::Spi& spi, const Uuid& id, int64_t daily, int64_t total) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.usage (account_id, feature, period, period_start, used)
    VALUES ($1, $2, 'day', $3, $4), ($1, $2, 'ever', '-infinity', $5))");
  spi.Run(statement, id, kRequests, UsageDay::Current().start, daily, total);
}

Outcome ImportEntry(pg::Spi& spi, const Entry& entry) {
  if (!entry.problem.empty()) Reject(entry.problem);
  NewUser user;
  user.address = ParseAddress(entry.email);
  user.name = entry.name;
  user.event = "user.imported";
  if (FindCredentials(spi, user.address)) {
    return {entry.email, "skipped", "a user with this email already exists", std::nullopt};
  }
  CheckName(user.name);
  if (entry.legacy_id && entry.legacy_id->size() > kMaxLegacyId) {
    Reject("id is longer than " + std::to_string(kMaxLegacyId) + " bytes");
  }
  if (entry.tier) RequirePlan(spi, *entry.tier);
  CheckSubscription(entry);
  const int64_t daily = ParseCount(entry.usage_daily, "usage.daily");
  const int64_t total = ParseCount(entry.usage_total, "usage.total");
  const pg::Timestamp created_at = ParseCreatedAt(spi, entry.created_at);
  Outcome outcome{entry.email, "imported", std::nullopt, std::nullopt};
  user.password_hash = TakePassword(spi, entry.password, outcome.reason);
  const Uuid id = CreateUser(spi, user);
  StoreStanding(spi, id, entry, created_at);
  StoreUsage(spi, id, daily, total);
  outcome.user_id = id;
  return outcome;
}

// What the entry itself is to blame for. Anything else (a cancel, a full disk) ends the import.
bool IsEntrysFault(const pg::BackendError& error) {
  const int category = ERRCODE_TO_CATEGORY(error.data()->sqlerrcode);
  return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

// An SPI session for each entry: what its statements allocate is free again before the next one.
Outcome ImportGuarded(const Entry& entry) {
  pg::Subtransaction attempt;
  std::string reason;
  try {
    pg::Spi spi;
    const Outcome outcome = ImportEntry(spi, entry);
    spi.Finish();
    attempt.Commit();
    return outcome;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kTooBusy || error.code() == ErrorCode::kNotConfigured) throw;
    reason = error.message();
  } catch (const pg::BackendError& error) {
    if (!IsEntrysFault(error)) throw;
    reason = error.what();
    error.Free();
  }
  attempt.Rollback();
  return {entry.email, "rejected", reason, std::nullopt};
}

std::vector<Entry> ReadFile(const pg::Raw& users) {
  static pg::Statement is_container("SELECT jsonb_typeof($1) IN ('object', 'array')");
  pg::Spi spi;
  if (!spi.Read(is_container, users)[0].Get<bool>(1)) {
    throw Error(ErrorCode::kInvalidArgument, "users must be a JSON object or array");
  }
  std::vector<Entry> entries;
  const pg::Rows rows = spi.Read(ReadEntries(), users);
  for (uint64_t i = 0; i < rows.size(); ++i) entries.push_back(ReadEntry(rows[i]));
  spi.Finish();
  return entries;
}

}  // namespace

LATCHKEY_FUNCTION(import_users, kSecret) {
  if (args.IsNull(0)) args.Get<std::string_view>(0, "users");
  permissions::Require(args, "users.create");
  std::vector<Outcome> outcomes;
  for (const Entry& entry : ReadFile(args.AsIs(0, JSONBOID))) {
    pg::CheckInterrupts();
    outcomes.push_back(ImportGuarded(entry));
  }
  args.BeginSet();
  for (const Outcome& outcome : outcomes) {
    args.EmitRow({pg::ToValue(outcome.email), pg::ToValue(outcome.outcome),
                  pg::ToValue(outcome.reason), pg::ToValue(outcome.user_id)});
  }
  return args.Void();
}

}  // namespace latchkey::accounts
