// A walk along the users, newest first, without a statement.
#pragma once

#include "extension/pg/direct_table.hpp"
#include "extension/users/search.hpp"

namespace latchkey::users {

// Not for filters by role or tier, which other tables tell.
class NewestUsers {
 public:
  // Where users lie on other nodes there are statements for it.
  static bool IsUsable();

  // `filter` must live as long.
  explicit NewestUsers(const Filter& filter);

  // Goes so many users further, but not beyond a full page. How many users there are, about.
  int64_t Pass(int64_t users);

  bool IsPageFull() const { return found_ == filter_.max_rows; }
  // Nobody was left to be passed.
  bool HasEnded() const { return ended_; }
  int32_t found() const { return found_; }
  // As FindUsers() returns them.
  pg::Raw Ids() const;

 private:
  bool Visit(const pg::PassedRow& row);
  bool Matches(const pg::PassedRow& row) const;

  const Filter& filter_;
  std::string folded_;  // what is searched for, as search_text has it
  int64_t left_ = 0;    // to be passed
  bool ended_ = false;
  std::optional<Uuid> last_;
  int32_t found_ = 0;
  std::vector<Uuid> ids_;
};

}  // namespace latchkey::users
