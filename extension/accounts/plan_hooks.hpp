// How accounts asks whether a plan can be subscribed to without knowing the module above it, which
// holds them.
#pragma once

#include <string_view>

#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

enum class PlanOffer { kUnknown, kWithdrawn, kOnOffer };

struct PlanHooks {
  PlanOffer (*offer)(pg::Spi& spi, std::string_view plan);
};

extern PlanHooks plan_hooks;  // set by _PG_init to the plans module's function

}  // namespace latchkey::accounts
