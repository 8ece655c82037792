// The debits of a batch.
#pragma once

#include <unordered_map>

#include "extension/core/error.hpp"
#include "extension/credits/debits.hpp"

namespace latchkey::credits {

struct Item {
  std::optional<Debit> debit;
  std::optional<Error> error;
  std::optional<size_t> made;   // which transaction of the batch's book
  const Item* first = nullptr;  // the item before with the same key, whose answer it gets
  Transaction transaction;

  // What was decided about it, so that it can be decided anew.
  void Forget() {
    made.reset();
    first = nullptr;
    if (debit) error.reset();
  }
};

// A malformed item has an error in the debit's place. Raises LK400 when it is no array of items.
std::vector<Item> ReadItems(const pg::Raw& debits);

// With which keys something is made: by an earlier item of the batch, or null, by an earlier call.
using Known = std::unordered_map<std::string_view, const Item*>;

// The keys of the batch with which an earlier call has made something.
Known FindKnown(pg::Spi& spi, const Uuid& account_id, const std::vector<Item>& items);

}  // namespace latchkey::credits
