// NOTIFY from C++.
#pragma once

#include <string>

namespace latchkey::pg {

// Reaches who listens when the transaction commits. Commits that notify wait for each other, so it
// is for what happens rarely.
void Notify(const char* channel, const std::string& payload);

}  // namespace latchkey::pg
