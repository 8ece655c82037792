// What an account looks like without locks, and which lots a debit may take: what others do
// meanwhile decides only which way is taken.
#pragma once

#include "extension/credits/lots.hpp"

namespace latchkey::credits {

struct Outlook {
  std::vector<Lot> lots;  // that have not expired
  std::optional<int64_t> threshold;
  bool held = false;
  bool stored = false;  // read without SPI: each lot has its row
  int64_t balance = 0;
};

Outlook ReadOutlook(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now);

struct Candidates {
  std::vector<Uuid> ids;
  bool ample = true;  // each holds many times what is needed
};

// What is many times the cost.
constexpr int64_t kAmpleDebits = 1000;

// The slices of the grant that is to be burned first, each of which could take the whole debit.
Candidates FindCandidates(const Outlook& outlook, int64_t cost);

// So close to the threshold that debits at the same time could cross it together unseen.
bool IsNearThreshold(const Outlook& outlook, int64_t cost);

}  // namespace latchkey::credits
