// Rules of groups: how many of their jobs run at once, and whether in order.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::jobs {

struct Rule {
  int32_t max_running = 0;  // 0: no limit
  bool strict_order = false;

  bool Limits() const { return max_running > 0 || strict_order; }
};

// Reads the rules anew when they changed, which `Generation` shows, and setting
// jobs.group_concurrency. Before the two below.
void RefreshRules(pg::Spi& spi);
uint64_t RulesGeneration();

Rule RuleOf(const std::string& type, int64_t lane);

}  // namespace latchkey::jobs
