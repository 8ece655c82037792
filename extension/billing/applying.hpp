// What each type of event means.
#pragma once

#include "extension/billing/application.hpp"

namespace latchkey::billing {

// Brings the event's facts in. Applied again it changes nothing; in which order events come makes
// no difference to what they lead to.
void Apply(Application& application);

}  // namespace latchkey::billing
