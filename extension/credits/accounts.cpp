// The account as a whole: whether it is there, and what it holds.
#include "extension/credits/accounts.hpp"

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"

namespace latchkey::credits {

int64_t LockBalance(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement lock("SELECT 1 FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE");
  static pg::Statement sum(R"(
    SELECT coalesce(sum(available::numeric + held), 0)::bigint
      FROM latchkey.credit_lots WHERE account_id = $1 AND open)");
  spi.RunLatest(lock, account_id);
  accounts::RequireLivingAccount(spi, account_id);
  return spi.RunLatest(sum, account_id)[0].Get<int64_t>(1);
}

void RequireAccountRow(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement("SELECT 1 FROM latchkey.accounts WHERE id = $1");
  if (spi.RunLatest(statement, account_id).empty()) {
    throw Error(ErrorCode::kNotFound, "there is no such account");
  }
}

bool HasEverHadCredits(pg::Spi& spi, const Uuid& account_id) {
  static pg::Statement statement(
      "SELECT 1 FROM latchkey.credit_lots WHERE account_id = $1 LIMIT 1");
  return !spi.RunLatest(statement, account_id).empty();
}

}  // namespace latchkey::credits
