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

// For a checked type; an empty group_key stands for all groups without a rule of their own.
void SetRule(pg::Spi& spi, const std::string& type, const std::string& group_key, const Rule& rule,
             pg::Timestamp now);

}  // namespace latchkey::jobs
