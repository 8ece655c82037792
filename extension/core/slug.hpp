// Slugs: short names of tenants that stand in addresses.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

inline constexpr size_t kMaxSlug = 63;  // a label of DNS

// 2 to 63 of a-z, 0-9 and single hyphens between them. (Two hyphens could make an A-label of it.)
bool IsSlug(std::string_view text);

// A slug out of a name in normal form KD: letters without their accents, hyphens for what stands
// between words. Empty when too little is left, as of a name in another script.
std::string SlugFrom(std::string_view decomposed);

// The slug with a number after it, cut to fit.
std::string NumberedSlug(std::string_view slug, int number);

}  // namespace latchkey
