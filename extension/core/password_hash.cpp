// argon2id through libargon2, scrypt through OpenSSL; PHC strings (the Password Hashing
// Competition's format).
#include "extension/core/password_hash.hpp"

#include <argon2.h>
#include <openssl/evp.h>
#include <sys/mman.h>

#include <charconv>
#include <new>
#include <stdexcept>
#include <vector>

#include "extension/core/encoding.hpp"
#include "extension/core/random.hpp"
#include "extension/core/secret.hpp"

namespace latchkey {

namespace {

constexpr uint32_t kMaxMemoryKib = 256 * 1024;
constexpr uint32_t kMaxPasses = 16;
constexpr uint32_t kMaxLanes = 16;
constexpr uint32_t kMaxBcryptCost = 15;
constexpr size_t kSaltSize = 16;
constexpr size_t kHashSize = 32;
constexpr size_t kHugePage = 2 * 1024 * 1024;

// libargon2 asks for its matrix with malloc, whose thousands of page faults cost a tenth of the
// hash; huge pages don't. Nothing is kept between two hashes: a backend must not hold 19 MiB for
// ever.
size_t RoundUp(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

int AllocateMatrix(uint8_t** memory, size_t bytes) {
  void* mapped = mmap(nullptr, RoundUp(bytes) + kHugePage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  // The first page before the aligned start keeps the address that munmap needs.
  const auto base = reinterpret_cast<uintptr_t>(mapped);
  const uintptr_t start = RoundUp(base + 1);
  *reinterpret_cast<void**>(start - sizeof(void*)) = mapped;
#ifdef MADV_HUGEPAGE
  madvise(reinterpret_cast<void*>(start), RoundUp(bytes), MADV_HUGEPAGE);
#endif
  *memory = reinterpret_cast<uint8_t*>(start);
  return ARGON2_OK;
}

// libargon2 wipes the matrix before it gives it back.
void FreeMatrix(uint8_t* memory, size_t bytes) {
  munmap(*reinterpret_cast<void**>(memory - sizeof(void*)), RoundUp(bytes) + kHugePage);
}

std::string ComputeArgon2id(std::string_view password, std::string_view salt,
                            const Argon2Params& params, size_t size) {
  std::string hash(size, '\0');
  argon2_context context{};
  context.out = reinterpret_cast<uint8_t*>(hash.data());
  context.outlen = static_cast<uint32_t>(size);
  context.pwd = reinterpret_cast<uint8_t*>(const_cast<char*>(password.data()));
  context.pwdlen = static_cast<uint32_t>(password.size());
  context.salt = reinterpret_cast<uint8_t*>(const_cast<char*>(salt.data()));
  context.saltlen = static_cast<uint32_t>(salt.size());
  context.t_cost = params.passes;
  context.m_cost = params.memory_kib;
  context.lanes = params.lanes;
  context.threads = 1;  // a backend has no threads: lanes are computed one after the other
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = AllocateMatrix;
  context.free_cbk = FreeMatrix;
  const int status = argon2id_ctx(&context);
  if (status == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  if (status != ARGON2_OK) throw std::runtime_error(argon2_error_message(status));
  return hash;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t start = 0;;) {
    const size_t end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// `name=12` → 12
std::optional<uint32_t> ParseField(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  return ParseNumber(text.substr(prefix.size()));
}

struct Phc {
  HashScheme scheme = HashScheme::kUnknown;
  Argon2Params argon2;
  uint32_t log_n = 0, block_size = 0, parallelism = 0;  // scrypt
  std::string salt;
  std::string hash;
};

bool DecodeSaltAndHash(std::string_view salt, std::string_view hash, Phc& phc) {
  const auto salt_bytes = Base64Decode(salt);
  const auto hash_bytes = Base64Decode(hash);
  if (!salt_bytes || !hash_bytes || salt_bytes->size() < 8 || salt_bytes->size() > 64 ||
      hash_bytes->size() < 16 || hash_bytes->size() > 64) {
    return false;
  }
  phc.salt = *salt_bytes;
  phc.hash = *hash_bytes;
  return true;
}

// $argon2id$v=19$m=19456,t=2,p=1$salt$hash
std::optional<Phc> ParseArgon2id(const std::vector<std::string_view>& parts) {
  if (parts.size() != 6 || parts[2] != "v=19") return std::nullopt;
  const auto fields = Split(parts[3], ',');
  if (fields.size() != 3) return std::nullopt;
  const auto m = ParseField(fields[0], "m=");
  const auto t = ParseField(fields[1], "t=");
  const auto p = ParseField(fields[2], "p=");
  if (!m || !t || !p || *t < 1 || *t > kMaxPasses || *p < 1 || *p > kMaxLanes || *m < 8 * *p ||
      *m > kMaxMemoryKib) {
    return std::nullopt;
  }
  Phc phc;
  phc.scheme = HashScheme::kArgon2id;
  phc.argon2 = {*m, *t, *p};
  if (!DecodeSaltAndHash(parts[4], parts[5], phc)) return std::nullopt;
  return phc;
}

// $scrypt$ln=17,r=8,p=1$salt$hash, with N < 2^(128*r/8) (RFC 7914, section 6)
std::optional<Phc> ParseScrypt(const std::vector<std::string_view>& parts) {
  if (parts.size() != 5) return std::nullopt;
  const auto fields = Split(parts[2], ',');
  if (fields.size() != 3) return std::nullopt;
  const auto ln = ParseField(fields[0], "ln=");
  const auto r = ParseField(fields[1], "r=");
  const auto p = ParseField(fields[2], "p=");
  if (!ln || !r || !p || *ln < 1 || *ln > 21 || *r < 1 || *r > 32 || *p < 1 || *p > 4 ||
      *ln >= 16 * *r || (uint64_t{128} * *r << *ln) > uint64_t{kMaxMemoryKib} * 1024) {
    return std::nullopt;
  }
  Phc phc;
  phc.scheme = HashScheme::kScrypt;
  phc.log_n = *ln;
  phc.block_size = *r;
  phc.parallelism = *p;
  if (!DecodeSaltAndHash(parts[3], parts[4], phc)) return std::nullopt;
  return phc;
}

std::optional<Phc> ParsePhc(std::string_view hash) {
  const auto parts = Split(hash, '$');
  if (parts.size() < 2 || !parts[0].empty()) return std::nullopt;
  if (parts[1] == "argon2id") return ParseArgon2id(parts);
  if (parts[1] == "scrypt") return ParseScrypt(parts);
  return std::nullopt;
}

// $2b$12$ and 53 characters of crypt's own base64
bool IsBcrypt(std::string_view hash) {
  if (hash.size() != 60 || hash.substr(0, 2) != "$2" || hash[3] != '$' || hash[6] != '$')
    return false;
  if (hash[2] != 'a' && hash[2] != 'b' && hash[2] != 'y') return false;
  const auto cost = ParseNumber(hash.substr(4, 2));
  if (!cost || *cost < 4 || *cost > kMaxBcryptCost) return false;
  for (const char c : hash.substr(7)) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '.' && c <= '9');
    if (!allowed) return false;
  }
  return true;
}

std::string ComputeScrypt(std::string_view password, const Phc& phc) {
  std::string hash(phc.hash.size(), '\0');
  const uint64_t memory = uint64_t{kMaxMemoryKib} * 1024 * 2;  // OpenSSL's own cap is 32 MiB
  const int status = EVP_PBE_scrypt(
      password.data(), password.size(), reinterpret_cast<const unsigned char*>(phc.salt.data()),
      phc.salt.size(), uint64_t{1} << phc.log_n, phc.block_size, phc.parallelism, memory,
      reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  if (status != 1) throw std::bad_alloc();
  return hash;
}

}  // namespace

HashScheme SchemeOf(std::string_view hash) {
  if (IsBcrypt(hash)) return HashScheme::kBcrypt;
  const auto phc = ParsePhc(hash);
  return phc ? phc->scheme : HashScheme::kUnknown;
}

bool LooksLikeHash(std::string_view text) {
  constexpr size_t kShortestHash = 20;
  if (text.size() < kShortestHash || text[0] != '$') return false;
  const size_t end = text.find('$', 1);
  if (end == std::string_view::npos || end == 1) return false;
  const auto scheme = text.substr(1, end - 1);
  return scheme.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
         std::string_view::npos;
}

std::string HashArgon2id(std::string_view password, const Argon2Params& params) {
  const std::string salt = RandomBytes(kSaltSize);
  const std::string hash = ComputeArgon2id(password, salt, params, kHashSize);
  return "$argon2id$v=19$m=" + std::to_string(params.memory_kib) +
         ",t=" + std::to_string(params.passes) + ",p=" + std::to_string(params.lanes) + '$' +
         Base64Encode(salt) + '$' + Base64Encode(hash);
}

bool VerifyPhc(std::string_view password, std::string_view hash) {
  const auto phc = ParsePhc(hash);
  if (!phc) return false;
  const std::string computed =
      phc->scheme == HashScheme::kScrypt
          ? ComputeScrypt(password, *phc)
          : ComputeArgon2id(password, phc->salt, phc->argon2, phc->hash.size());
  return SameBytes(computed, phc->hash);
}

bool NeedsRehash(std::string_view hash, const Argon2Params& params) {
  const auto phc = ParsePhc(hash);
  return !phc || phc->scheme != HashScheme::kArgon2id || !(phc->argon2 == params);
}

std::string BcryptAs2a(std::string_view hash) {
  std::string canonical(hash);
  canonical[2] = 'a';
  return canonical;
}

}  // namespace latchkey
