// Signing and reading session tokens.
#include "extension/sessions/tokens.hpp"

#include "extension/core/jws.hpp"
#include "extension/sessions/signing_keys.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::sessions {

namespace {
constexpr settings::TextSetting kIssuer("tokens.issuer");
constexpr size_t kMaxTokenBytes = 4096;
}  // namespace

void PrepareToSign(pg::Spi& spi) { PrepareSigningKey(spi); }

std::string SignToken(pg::Spi& spi, const SessionClaims& claims) {
  return CurrentSigningKey(spi).Sign(WriteClaims(kIssuer.Get(spi), claims));
}

std::optional<SessionClaims> ReadToken(pg::Spi& spi, std::string_view token, bool allow_expired) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const SigningKey* key = FindSigningKey(spi, token.substr(0, token.find('.')));
  if (key == nullptr) return std::nullopt;
  const auto payload = key->Verify(token);
  if (!payload) return std::nullopt;
  auto claims = ReadClaims(kIssuer.Get(spi), *payload);
  if (!claims) return std::nullopt;
  if (!allow_expired && claims->expires_at <= pg::Now().UnixSeconds()) return std::nullopt;
  return claims;
}

}  // namespace latchkey::sessions
