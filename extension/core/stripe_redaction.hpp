// What is not kept of a Stripe event.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace latchkey {

// Takes away personal data, secrets and links that need no login; of a card leaves brand, last four
// digits and expiry, of a customer the id. Raises LK400 for a character U+0000. Recursion is as
// deep as the document.
void RedactStripe(nlohmann::json& value);

}  // namespace latchkey
