// Checking idempotency keys, and hashing the arguments that come with them.
#include "extension/core/idempotency.hpp"

#include <utility>

#include "extension/core/digest.hpp"
#include "extension/core/error.hpp"

namespace latchkey {

namespace {

constexpr size_t kMaxKeyBytes = 255;
constexpr size_t kFingerprintBytes = 16;

}  // namespace

std::string Spell(const std::optional<std::string>& argument) {
  return argument ? std::to_string(argument->size()) + ':' + *argument : "-";
}

std::string Spell(int64_t argument) { return std::to_string(argument) + ';'; }

Idempotency MakeIdempotency(std::optional<std::string> key,
                            std::initializer_list<std::string> arguments) {
  if (!key) return {};
  if (key->empty() || key->size() > kMaxKeyBytes) {
    throw Error(ErrorCode::kInvalidArgument, "idempotency_key must have from 1 to 255 bytes");
  }
  std::string text;
  for (const std::string& argument : arguments) text += argument;
  std::string fingerprint = Sha256(text);
  fingerprint.resize(kFingerprintBytes);
  return {std::move(key), std::move(fingerprint)};
}

}  // namespace latchkey
