// Signing keys: loading, rotation, and the public set (JWKS).
#include "extension/sessions/signing_keys.hpp"

#include <memory>

#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/core/random.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/table_cache.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/sealed_column.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {

constexpr settings::TextSetting kAlgorithm("tokens.algorithm");
constexpr settings::DurationSetting kMaxLifetime("sessions.max_lifetime");

struct LoadedKey {
  std::string header;
  std::string key_id;
  Algorithm algorithm;
  std::string wrapped;
  std::optional<pg::Timestamp> retired_at;
  std::unique_ptr<SigningKey> key;  // unwrapped when first needed
};

pg::TableCache cache("signing_keys");
const settings::SealedColumn kWrappedKey("signing_keys", "wrapped_key", {"key_id"});

// Newest first.
std::vector<LoadedKey>& Keys() {
  static auto& keys = *new std::vector<LoadedKey>;
  return keys;
}

Algorithm RequireAlgorithm(std::string_view name) {
  const auto algorithm = ParseAlgorithm(name);
  if (algorithm) return *algorithm;
  throw Error(ErrorCode::kInvalidArgument, "algorithm \"" + std::string(name) + "\" is not known",
              {}, "Known are HS256, EdDSA, ES256 and RS256.");
}

void Refresh(pg::Spi& spi) {
  static pg::Statement statement(R"(
    SELECT key_id, algorithm, wrapped_key, retired_at
      FROM latchkey.signing_keys ORDER BY active_from DESC, key_id DESC)");
  if (cache.IsFresh()) return;
  Keys().clear();
  cache.Reload(spi, statement, [](const pg::Row& row) {
    LoadedKey loaded;
    loaded.key_id = row.Text(1);
    loaded.algorithm = RequireAlgorithm(row.Text(2));
    loaded.wrapped = row.Text(3);
    loaded.retired_at = row.Optional<pg::Timestamp>(4);
    loaded.header = TokenHeader(loaded.algorithm, loaded.key_id);
    Keys().push_back(std::move(loaded));
  });
}

const SigningKey& Unwrap(LoadedKey& loaded) {
  if (!loaded.key) {
    const Secret secret = kWrappedKey.Open(loaded.wrapped, loaded.key_id);
    loaded.key = std::make_unique<SigningKey>(loaded.key_id, loaded.algorithm, secret);
  }
  return *loaded.key;
}

// The keys before it stay valid until the last token that they signed has expired. They are deleted
// when they have been of no use for as long again: until then a retirement can be taken back.
std::string CreateKey(pg::Spi& spi, Algorithm algorithm) {
  static pg::Statement retire(
      "UPDATE latchkey.signing_keys SET retired_at = $1 WHERE retired_at IS NULL");
  static pg::Statement insert(R"(
    INSERT INTO latchkey.signing_keys (key_id, algorithm, wrapped_key, public_jwk, active_from)
    VALUES ($1, $2, $3, $4::jsonb, $5))");
  static pg::Statement forget("DELETE FROM latchkey.signing_keys WHERE retired_at < $1");
  const std::string key_id = Base64UrlEncode(RandomBytes(12));
  const Secret secret = GeneratePrivateKey(algorithm);
  const SigningKey key(key_id, algorithm, secret);
  const std::string wrapped = kWrappedKey.Seal(secret.view(), key_id);
  std::optional<std::string> jwk;
  if (algorithm != Algorithm::kHs256) jwk = key.PublicJwk();
  const pg::Timestamp now = pg::Now();
  const int64_t lifetime = kMaxLifetime.Micros(spi);
  spi.RunLatest(retire, now + lifetime);
  spi.RunLatest(forget, now + -lifetime);
  spi.Run(insert, key_id, AlgorithmName(algorithm), pg::Bytes{wrapped}, jwk, now);
  events::Record(spi, {events::kPlatform, "signing_key", key_id, "signing_key.created",
                       JsonObject().Add("algorithm", AlgorithmName(algorithm)).ToString()});
  return key_id;
}

void LockKeys(pg::Spi& spi) {
  settings::LoadMasterKey();  // before the lock
  static pg::Statement statement("LOCK TABLE latchkey.signing_keys IN SHARE ROW EXCLUSIVE MODE");
  spi.Run(statement);
}

LoadedKey* Newest() {
  for (LoadedKey& loaded : Keys()) {
    if (!loaded.retired_at) return &loaded;
  }
  return nullptr;
}

}  // namespace

void PrepareSigningKey(pg::Spi& spi) {
  settings::LoadMasterKey();
  Refresh(spi);
  if (LoadedKey* newest = Newest()) Unwrap(*newest);
}

const SigningKey& CurrentSigningKey(pg::Spi& spi) {
  Refresh(spi);
  if (Newest() == nullptr) {
    // Two first logins at once make one key: the second waits here, and then finds it.
    LockKeys(spi);
    Refresh(spi);
    if (Newest() == nullptr) {
      CreateKey(spi, RequireAlgorithm(kAlgorithm.Get(spi)));
      Refresh(spi);
    }
  }
  return Unwrap(*Newest());
}

const SigningKey* FindSigningKey(pg::Spi& spi, std::string_view header) {
  Refresh(spi);
  for (LoadedKey& loaded : Keys()) {
    if (loaded.header != header) continue;
    if (loaded.retired_at && *loaded.retired_at <= pg::Now()) return nullptr;
    return &Unwrap(loaded);
  }
  return nullptr;
}

LATCHKEY_FUNCTION(rotate_signing_key, kOpen) {
  const auto algorithm = args.Optional<std::string>(0);
  permissions::Require(args, "signing_keys.rotate");
  pg::Spi spi;
  LockKeys(spi);
  const std::string key_id =
      CreateKey(spi, RequireAlgorithm(algorithm ? *algorithm : kAlgorithm.Get(spi)));
  spi.Finish();
  return args.Return(key_id);
}

LATCHKEY_FUNCTION(jwks, kOpen) {
  static pg::Statement statement(R"(
    SELECT jsonb_build_object('keys', coalesce(jsonb_agg(public_jwk ORDER BY active_from DESC), '[]'))
      FROM latchkey.signing_keys
     WHERE public_jwk IS NOT NULL AND (retired_at IS NULL OR retired_at > $1))");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Raw keys = spi.Read(statement, pg::Now())[0].Copy(1);
  spi.Finish();
  return args.Return(keys);
}

}  // namespace latchkey::sessions
