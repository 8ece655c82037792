// What plans asks of the modules above it, which it can't name; set by _PG_init.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::plans {

struct Hooks {
  // Ends the account's own trial, because it has a subscription now or has lost one. The account's
  // row is locked.
  void (*close_trial)(pg::Spi& spi, const Uuid& account_id, bool converted);
};
inline Hooks hooks;

}  // namespace latchkey::plans
