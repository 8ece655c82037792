// Which users match what an administrator looks for.
#pragma once

#include "extension/pg/args.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::users {

struct Filter {
  std::optional<std::string> search;  // a part of name or address
  std::optional<std::string> role;
  std::optional<std::string> tier;
  std::optional<std::string> status;
  std::optional<pg::Timestamp> created_from;
  std::optional<pg::Timestamp> created_before;
  std::optional<Uuid> after;
  int32_t max_rows = 0;
};

// The ids of a page's users, newest first, as uuid[]; null for none.
pg::Raw FindUsers(pg::Spi& spi, const Filter& filter);

}  // namespace latchkey::users
