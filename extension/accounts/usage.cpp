// count_usage: the counters of the account's requests.
#include "extension/accounts/usage.hpp"

#include "extension/accounts/users.hpp"
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::accounts {

namespace {
constexpr int64_t kMaxAmount = 1000000000000;
}

LATCHKEY_FUNCTION(count_usage, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto amount = args.Get<int64_t>(1, "amount");
  permissions::RequireAccount(args, account_id, "usage.write");
  if (amount < 1 || amount > kMaxAmount) {
    throw Error(ErrorCode::kInvalidArgument, "amount must lie between 1 and 1000000000000");
  }
  // A day has its own row, so it starts at zero by itself: nothing has to run at midnight.
  static pg::Statement count(R"(
    INSERT INTO latchkey.usage AS u (account_id, feature, period, period_start, used)
    VALUES ($1, $2, 'ever', '-infinity', $3), ($1, $2, 'day', $4, $3)
    ON CONFLICT (account_id, feature, period, period_start)
      DO UPDATE SET used = u.used + EXCLUDED.used
    RETURNING u.used)");
  pg::Spi spi;
  RequireLivingAccount(spi, account_id);
  const UsageDay today = UsageDay::Current();
  const pg::Rows rows = spi.Run(count, account_id, kRequests, amount, today.start);
  const auto total = rows[0].Get<int64_t>(1);
  const auto daily = rows[1].Get<int64_t>(1);
  spi.Finish();
  return args.ReturnRow({pg::ToValue(daily), pg::ToValue(total), pg::ToValue(today.end)});
}

}  // namespace latchkey::accounts
