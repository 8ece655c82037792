// What services cost, cached per backend.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::credits {

// Credits per unit; none for a service that is unknown or not active.
std::optional<int64_t> CostPerUnit(pg::Spi& spi, std::string_view service);

// Raises LK404.
[[noreturn]] void ThrowNoService(std::string_view service);

// Raises LK400 when the quantity lies below 1 or the product beyond 2^63 - 1.
int64_t CostOf(int64_t credits_per_unit, int64_t quantity);

}  // namespace latchkey::credits
