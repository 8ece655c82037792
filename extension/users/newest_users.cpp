// Walking along the users by their primary key.
#include "extension/users/newest_users.hpp"

#include "extension/pg/array.hpp"
#include "extension/pg/unicode.hpp"

namespace latchkey::users {

namespace {

pg::DirectTable users("users", "users_pkey",
                      {"id", "email", "name", "password_hash", "status", "status_reason", "profile",
                       "onboarding_step", "email_verified_at", "last_login_at", "created_at",
                       "updated_at", "search_text"});
constexpr int kId = 1;
constexpr int kStatus = 5;
constexpr int kCreatedAt = 11;
constexpr int kSearchText = 13;

}  // namespace

bool NewestUsers::IsUsable() { return users.IsUsable(pg::DirectTable::kRead); }

NewestUsers::NewestUsers(const Filter& filter) : filter_(filter), last_(filter.after) {
  if (filter.search) folded_ = pg::Lower(pg::Nfc(*filter.search));
  ids_.resize(static_cast<size_t>(filter.max_rows));  // a visitor allocates nothing
}

int64_t NewestUsers::Pass(int64_t count) {
  left_ = count;
  ended_ = true;
  const auto below = last_;
  auto visit = [this](const pg::PassedRow& row) { return Visit(row); };
  return users.WalkDown(below ? &*below : nullptr, visit);
}

bool NewestUsers::Visit(const pg::PassedRow& row) {
  last_ = row.Get<Uuid>(kId);
  if (Matches(row)) ids_[static_cast<size_t>(found_++)] = *last_;
  ended_ = --left_ > 0 && !IsPageFull();
  return ended_;
}

bool NewestUsers::Matches(const pg::PassedRow& row) const {
  if (filter_.status ? !row.Is(kStatus, *filter_.status) : row.Is(kStatus, "deleted")) return false;
  const auto created_at = row.Get<pg::Timestamp>(kCreatedAt);
  if (filter_.created_from && created_at < *filter_.created_from) return false;
  if (filter_.created_before && !(created_at < *filter_.created_before)) return false;
  if (!filter_.search) return true;
  return !row.IsNull(kSearchText) && row.Contains(kSearchText, folded_);
}

pg::Raw NewestUsers::Ids() const {
  if (found_ == 0) return {};
  return pg::ToArray(std::vector<Uuid>(ids_.begin(), ids_.begin() + found_));
}

}  // namespace latchkey::users
