// SHA-256 and HMAC-SHA256.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_mac_ctx_st;

namespace latchkey {

std::string Sha256(std::string_view data);  // 32 bytes

// HMAC-SHA256 with one key, many times: the key schedule is computed once (FIPS 198-1).
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  std::string Compute(std::string_view data) const;  // 32 bytes

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace latchkey
