// What the two tables of credit routes share.
#pragma once

#include "gateway/routes/account_argument.hpp"

namespace latchkey {

constexpr size_t kMaxService = 100;
constexpr size_t kMaxReference = 500;

}  // namespace latchkey
