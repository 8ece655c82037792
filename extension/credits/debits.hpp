// What a debit is, and deciding it on lots that are all locked.
#pragma once

#include "extension/credits/ledger.hpp"

namespace latchkey::credits {

struct Debit {
  std::string service;
  int64_t quantity = 1;
  int64_t cost = 0;
  std::optional<std::string> metadata;
  Idempotency idempotency;
};

// Reads and checks what a debit's arguments say, except for the cost; raises LK400.
Debit MakeDebit(std::string_view service, int64_t quantity, std::optional<std::string> key,
                std::optional<std::string> metadata);

[[noreturn]] void ThrowInsufficient(int64_t needed, int64_t available);

// The head of a debit's ledger rows.
Heading HeadingOf(const Debit& debit, int64_t balance_after, pg::Timestamp now);

// Posts the debit to `book`, over as many lots as it takes. The lots are locked, sorted, and hold
// enough.
void PostDebit(Book& book, std::vector<Lot>& lots, const Debit& debit, int64_t balance,
               pg::Timestamp now);

}  // namespace latchkey::credits
