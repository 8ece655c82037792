// Checking API keys for sessions' verify and authenticate (sessions/bearer_hooks.hpp).
#pragma once

#include "extension/sessions/bearer_hooks.hpp"

namespace latchkey::api_keys {

std::optional<sessions::VerifiedService> FindService(pg::Spi& spi, std::string_view token);
void NoteUse(pg::Spi& spi, const sessions::VerifiedService& service);

}  // namespace latchkey::api_keys
