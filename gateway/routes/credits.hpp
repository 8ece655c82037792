// What the two tables of credit routes share.
#pragma once

#include "gateway/routes/account_argument.hpp"

namespace latchkey {

constexpr size_t kMaxService = 100;
constexpr size_t kMaxReference = 500;

inline Argument Metadata() {
  return BodyField("metadata", Type::kObject, kOptional, 0,
                   "Kept with it for ever; no personal data.");
}

}  // namespace latchkey
