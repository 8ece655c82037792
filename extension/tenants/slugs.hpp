// Which slug is whose: rows of latchkey.tenant_slugs.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::tenants {

// Raises LK400 for what is no slug, or a reserved one.
void CheckSlug(pg::Spi& spi, const std::string& slug);

// Makes a slug the tenant's. False when it is another's, or was so lately.
bool TakeSlug(pg::Spi& spi, const Uuid& tenant_id, const std::string& slug);

// Makes one of the name the tenant's, with a number where it is taken or reserved, and returns it.
std::string TakeSlugOf(pg::Spi& spi, const Uuid& tenant_id, const std::string& name,
                       const std::string& kind);

// From now on it is no longer the tenant's, but leads to it for tenants.slug_retention.
void RetireSlug(pg::Spi& spi, const Uuid& tenant_id, const std::string& slug);

[[noreturn]] void ThrowSlugTaken(const std::string& slug);

}  // namespace latchkey::tenants
