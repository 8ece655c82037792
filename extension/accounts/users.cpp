// Creating, finding and changing users.
#include "extension/accounts/users.hpp"

#include "extension/accounts/credentials.hpp"
#include "extension/accounts/hooks.hpp"
#include "extension/accounts/passwords.hpp"
#include "extension/accounts/standing.hpp"
#include "extension/accounts/usage.hpp"
#include "extension/core/email.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/utf8.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/catalog.hpp"

namespace latchkey::accounts {

namespace {

constexpr size_t kMaxNameCharacters = 200;
constexpr int64_t kMaxProfileBytes = 16384;
constexpr size_t kMaxOnboardingStep = 100;

// Positions within latchkey.user_account.
constexpr int kAccountColumns = 16;
constexpr int kTierColumn = 4;

[[noreturn]] void ThrowNoUser() { throw Error(ErrorCode::kNotFound, "there is no such user"); }

}  // namespace

void CheckName(const std::optional<std::string>& name) {
  if (!name) return;
  if (CountCodePoints(*name).value_or(0) > kMaxNameCharacters) {
    throw Error(ErrorCode::kInvalidArgument, "name is longer than 200 characters");
  }
  for (const char c : *name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      throw Error(ErrorCode::kInvalidArgument, "name contains a control character");
    }
  }
}

void CheckProfile(pg::Spi& spi, const pg::Raw& profile) {
  if (profile.is_null) return;
  static pg::Statement statement(
      "SELECT jsonb_typeof($1) = 'object', octet_length($1::text)::bigint");
  const pg::Row row = spi.Read(statement, profile)[0];
  if (!row.Get<bool>(1)) throw Error(ErrorCode::kInvalidArgument, "profile must be a JSON object");
  if (row.Get<int64_t>(2) > kMaxProfileBytes) {
    throw Error(ErrorCode::kInvalidArgument, "profile is larger than 16 KiB");
  }
}

NewUser ReadNewUser(pg::Spi& spi, const pg::Args& args) {
  NewUser user;
  user.address = ParseAddress(args.Text(0, "email"));
  user.name = args.Optional<std::string>(2);
  user.profile = args.AsIs(3, JSONBOID);
  CheckName(user.name);
  CheckProfile(spi, user.profile);
  const auto password = args.Optional<std::string_view>(1);
  if (password) user.password_hash = HashPassword(spi, *password);
  return user;
}

Uuid CreateUser(pg::Spi& spi, const NewUser& user) {
  static pg::Statement insert_account(
      "INSERT INTO latchkey.accounts (id, kind, created_at, status_changed_at)"
      " VALUES ($1, 'user', $2, $2)");
  static pg::Statement insert_user(R"(
    INSERT INTO latchkey.users (id, email, name, password_hash, profile, created_at, updated_at)
    VALUES ($1, $2, $3, $4, coalesce($5, '{}'), $6, $6))");
  static pg::Statement insert_email(
      "INSERT INTO latchkey.user_emails (email_key, user_id) VALUES ($1, $2)"
      " ON CONFLICT (email_key) DO NOTHING");
  const Uuid id = NewUuid();
  const pg::Timestamp now = pg::Now();
  spi.Run(insert_account, id, now);
  spi.Run(insert_user, id, user.address.text, user.name, user.password_hash, user.profile, now);
  spi.RunLatest(insert_email, user.address.key, id);
  if (spi.affected() == 0) {
    throw Error(ErrorCode::kAlreadyExists, "a user with this email already exists");
  }
  // What others guessed before there was anything to guess doesn't count against who registers.
  DropLoginFailures(spi, user.address.key);
  events::Record(spi, {id, "user", id.ToString(), user.event});
  return id;
}

namespace {

// Of a row of LATCHKEY_USER_ACCOUNT.
std::vector<pg::Value> AccountColumns(pg::Spi& spi, const pg::Row& row) {
  std::vector<pg::Value> columns;
  for (int i = 1; i <= kAccountColumns; ++i) {
    const pg::Raw raw = row.Copy(i);
    columns.push_back(pg::ToValue(raw));
  }
  Standing standing;
  standing.plan = row.Text(4);
  standing.subscription_status = row.Text(5);
  standing.status_changed_at = row.Get<pg::Timestamp>(kAccountColumns + 1);
  standing.trial_starts_at = row.Optional<pg::Timestamp>(kAccountColumns + 2);
  standing.trial_ends_at = row.Optional<pg::Timestamp>(kAccountColumns + 3);
  const pg::Timestamp now = pg::Now();
  const std::string tier = EffectivePlan(spi, standing, now);
  const std::string status = EffectiveStatus(standing, now);
  const MemoryContext old = MemoryContextSwitchTo(pg::ResultContext());
  columns[kTierColumn - 1] = pg::ToValue(tier);
  columns[kTierColumn] = pg::ToValue(status);
  MemoryContextSwitchTo(old);
  return columns;
}

// $1 and $2: start and end of the day of usage; $3: the feature that is counted.
#define LATCHKEY_USER_ACCOUNT                                                                   \
  "SELECT u.id, u.email, u.name, a.plan, a.subscription_status, a.stripe_customer_id,"          \
  "       coalesce(d.used, 0), coalesce(t.used, 0), u.created_at, u.updated_at,"                \
  "       u.email_verified_at IS NOT NULL, u.status, u.profile, u.onboarding_step,"             \
  "       u.last_login_at, $2, a.status_changed_at, a.trial_starts_at, a.trial_ends_at"         \
  "  FROM latchkey.users u"                                                                     \
  "  JOIN latchkey.accounts a ON a.id = u.id"                                                   \
  "  LEFT JOIN latchkey.usage d ON d.account_id = u.id AND d.feature = $3 AND d.period = 'day'" \
  "                            AND d.period_start = $1"                                         \
  "  LEFT JOIN latchkey.usage t ON t.account_id = u.id AND t.feature = $3"                      \
  "                            AND t.period = 'ever' AND t.period_start = '-infinity'"

}  // namespace

std::vector<pg::Value> LoadUserAccount(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(LATCHKEY_USER_ACCOUNT " WHERE u.id = $4");
  const UsageDay today = UsageDay::Current();
  const pg::Rows rows = spi.RunLatest(statement, today.start, today.end, kRequests, user_id);
  if (rows.empty()) ThrowNoUser();
  return AccountColumns(spi, rows[0]);
}

std::vector<std::vector<pg::Value>> LoadUserAccounts(pg::Spi& spi, const pg::Raw& user_ids) {
  static pg::Statement statement(LATCHKEY_USER_ACCOUNT " WHERE u.id = ANY ($4) ORDER BY u.id DESC");
  const UsageDay today = UsageDay::Current();
  const pg::Rows rows = spi.Read(statement, today.start, today.end, kRequests, user_ids);
  std::vector<std::vector<pg::Value>> accounts;
  for (uint64_t i = 0; i < rows.size(); ++i) accounts.push_back(AccountColumns(spi, rows[i]));
  return accounts;
}

pg::Value UserAccountValue(const std::vector<pg::Value>& columns) {
  return pg::Composite(pg::TypeOid("user_account"), columns);
}

void RequireLivingAccount(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(R"(
    SELECT 1 FROM latchkey.accounts a LEFT JOIN latchkey.users u ON u.id = a.id
     WHERE a.id = $1 AND u.status IS DISTINCT FROM 'deleted')");
  if (spi.RunLatest(statement, account_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such account");
  }
}

namespace {

std::optional<Credentials> ReadCredentials(pg::Spi& spi, const Uuid& user_id) {
  static pg::Statement statement(R"(
    SELECT email, name, status, password_hash, email_verified_at IS NOT NULL
      FROM latchkey.users WHERE id = $1 AND status <> 'deleted')");
  const pg::Rows rows = spi.RunLatest(statement, user_id);
  if (rows.empty()) return std::nullopt;
  const pg::Row row = rows[0];
  Credentials user;
  user.user_id = user_id;
  user.email = row.Text(1);
  user.email_key = EmailKey(user.email);
  user.name = row.Optional<std::string>(2).value_or("");
  user.status = row.Text(3);
  user.password_hash = row.Optional<std::string>(4);
  user.email_verified = row.Get<bool>(5);
  return user;
}

}  // namespace

std::optional<Credentials> FindCredentials(pg::Spi& spi, const Address& address) {
  static pg::Statement holder("SELECT user_id FROM latchkey.user_emails WHERE email_key = $1");
  const pg::Rows rows = spi.RunLatest(holder, address.key);
  if (rows.empty()) return std::nullopt;
  // The two rows may live on two servers, and are read one after the other: who was deleted in
  // between, or has another address by now, is not this address's user.
  auto user = ReadCredentials(spi, rows[0].Get<Uuid>(1));
  if (user && user->email_key != address.key) return std::nullopt;
  return user;
}

Credentials LoadCredentials(pg::Spi& spi, const Uuid& user_id) {
  auto user = ReadCredentials(spi, user_id);
  if (!user) ThrowNoUser();
  return std::move(*user);
}

void StorePasswordHash(pg::Spi& spi, const Uuid& user_id, const std::string& hash) {
  static pg::Statement statement(
      "UPDATE latchkey.users SET password_hash = $2, updated_at = $3"
      " WHERE id = $1 AND status <> 'deleted'");
  spi.RunLatest(statement, user_id, hash, pg::Now());
  if (spi.affected() == 0) ThrowNoUser();  // deleted while we hashed
}

LATCHKEY_FUNCTION(register_user, kSecret) {
  permissions::Require(args, "users.create");
  pg::Spi spi;
  const auto columns = LoadUserAccount(spi, CreateUser(spi, ReadNewUser(spi, args)));
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(get_user, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  permissions::RequireAccount(args, user_id, "users.read");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

LATCHKEY_FUNCTION(find_user, kOpen) {
  const auto email = args.Text(0, "email");
  permissions::Require(args, "users.read");
  const auto address = TryParseAddress(email);
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto found = address ? FindCredentials(spi, *address) : std::nullopt;
  std::vector<pg::Value> columns;
  if (found) columns = LoadUserAccount(spi, found->user_id);
  spi.Finish();
  args.BeginSet();
  if (found) args.EmitRow(columns);
  return args.Void();
}

void ChangeProfile(pg::Spi& spi, const Uuid& user_id, const ProfileChange& change) {
  static pg::Statement merged(R"(
    SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}')
      FROM latchkey.users u
     CROSS JOIN LATERAL jsonb_each(CASE WHEN $3 THEN '{}' ELSE u.profile END || coalesce($2, '{}')) e
     WHERE u.id = $1 AND e.value <> 'null')");
  static pg::Statement lock(
      "SELECT 1 FROM latchkey.users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE");
  static pg::Statement update(R"(
    UPDATE latchkey.users
       SET name = CASE WHEN $6 THEN $2 ELSE coalesce($2, name) END, profile = $3,
           onboarding_step = CASE WHEN $6 THEN $4 ELSE coalesce($4, onboarding_step) END,
           updated_at = $5
     WHERE id = $1)");
  CheckName(change.name);
  if (change.onboarding_step && change.onboarding_step->size() > kMaxOnboardingStep) {
    throw Error(ErrorCode::kInvalidArgument, "onboarding_step is longer than 100 bytes");
  }
  CheckProfile(spi, change.profile);
  if (spi.Run(lock, user_id).empty()) ThrowNoUser();
  const pg::Raw profile = spi.Run(merged, user_id, change.profile, change.replace)[0].Copy(1);
  CheckProfile(spi, profile);
  spi.Run(update, user_id, change.name, profile, change.onboarding_step, pg::Now(), change.replace);
  if (change.name || change.replace) hooks.user_changed(spi, user_id);
}

LATCHKEY_FUNCTION(update_profile, kOpen) {
  const auto user_id = args.Get<Uuid>(0, "user_id");
  ProfileChange change;
  change.name = args.Optional<std::string>(1);
  change.profile = args.AsIs(2, JSONBOID);
  change.onboarding_step = args.Optional<std::string>(3);
  permissions::RequireAccount(args, user_id, "users.write");
  pg::Spi spi;
  ChangeProfile(spi, user_id, change);
  events::Record(spi, {user_id, "user", user_id.ToString(), "user.profile_updated",
                       JsonObject()
                           .Add("name", change.name.has_value())
                           .Add("profile", !change.profile.is_null)
                           .Add("onboarding_step", change.onboarding_step.has_value())
                           .ToString()});
  const auto columns = LoadUserAccount(spi, user_id);
  spi.Finish();
  return args.ReturnRow(columns);
}

}  // namespace latchkey::accounts
