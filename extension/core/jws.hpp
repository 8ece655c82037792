// Signing keys and compact JWS (RFC 7515): the key chooses the algorithm, never the token.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "extension/core/digest.hpp"
#include "extension/core/secret.hpp"

struct evp_pkey_st;

namespace latchkey {

enum class Algorithm { kHs256, kEdDsa, kEs256, kRs256 };

const char* AlgorithmName(Algorithm algorithm);  // as in the header's `alg`
std::optional<Algorithm> ParseAlgorithm(std::string_view name);

// 32 random bytes for HS256, else a PKCS#8 document (Ed25519, P-256, RSA 2048).
Secret GeneratePrivateKey(Algorithm algorithm);

// The header segment (base64url) of every token of the key.
std::string TokenHeader(Algorithm algorithm, std::string_view key_id);

class SigningKey {
 public:
  // Throws std::invalid_argument when the private key is not one of the algorithm.
  SigningKey(std::string key_id, Algorithm algorithm, const Secret& private_key);

  // header.payload.signature
  std::string Sign(std::string_view payload) const;

  // The payload when the signature is this key's. The header is *compared* with the one that this key
  // writes, not parsed: so `alg`, `crit`, `jku` and whatever else a forger puts there is never read.
  std::optional<std::string> Verify(std::string_view token) const;

  // RFC 7517 with `kid`, `alg` and `use`; empty for HS256, whose key has no public half.
  std::string PublicJwk() const;

  const std::string& header() const { return header_; }  // base64url

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };

  std::string SignBytes(std::string_view input) const;
  bool VerifyBytes(std::string_view input, std::string_view signature) const;

  std::string key_id_;
  Algorithm algorithm_;
  std::string header_;
  std::unique_ptr<HmacSha256> hmac_;
  std::unique_ptr<evp_pkey_st, FreeKey> key_;
};

}  // namespace latchkey
