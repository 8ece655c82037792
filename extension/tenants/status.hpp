// The life of a tenant: which status may follow which.
#pragma once

#include "extension/tenants/store.hpp"

namespace latchkey::tenants {

void CheckStatus(std::string_view status);  // raises LK400 for an unknown one

// Moves a locked tenant on, and records the event. Raises LK410 for a step that there is not.
void SetStatus(pg::Spi& spi, const LockedTenant& tenant, const std::string& status,
               const std::optional<std::string>& reason);

}  // namespace latchkey::tenants
