// Secrets that the product keeps for others' sake: webhook secrets, credentials of providers.
#pragma once

#include <optional>
#include <string_view>

#include "extension/core/secret.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::secrets {

// As of now at every isolation level. Empty when there is none of this name; LK504 without the
// master key that it was sealed with.
std::optional<Secret> Read(pg::Spi& spi, std::string_view name);

}  // namespace latchkey::secrets
