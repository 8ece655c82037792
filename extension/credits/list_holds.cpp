// list_holds.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::credits {

namespace {

constexpr int32_t kMaxRows = 1000;

void CheckStatus(const std::optional<std::string>& status) {
  if (!status) return;
  for (const char* known : {"active", "captured", "released", "expired"}) {
    if (*status == known) return;
  }
  throw Error(ErrorCode::kInvalidArgument, "status \"" + *status + "\" is not known",
              "Known are active, captured, released and expired.");
}

// Whose time is over is expired, whether or not that has been booked.
#define LATCHKEY_LIST_HOLDS                                                              \
  "SELECT id, service, quantity, amount, captured, "                                     \
  "CASE WHEN status = 'active' AND expires_at <= $4 THEN 'expired' ELSE status END, "    \
  "expires_at, created_at, settled_at FROM latchkey.credit_holds WHERE account_id = $1 " \
  "AND id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff') "
#define LATCHKEY_NEWEST_FIRST " ORDER BY account_id DESC, id DESC LIMIT $3"

pg::Rows ReadHolds(pg::Spi& spi, const Uuid& account_id, const std::optional<Uuid>& after,
                   int64_t max_rows, const std::optional<std::string>& status) {
  // Of its own, as an index has just these: an account has few of them among many that are over.
  static pg::Statement active(LATCHKEY_LIST_HOLDS
                              "AND status = 'active' AND expires_at > $4" LATCHKEY_NEWEST_FIRST);
  static pg::Statement any(LATCHKEY_LIST_HOLDS
                           "AND ($5 IS NULL OR $5 = CASE WHEN status = 'active' AND expires_at <= "
                           "$4 THEN 'expired' ELSE status END)" LATCHKEY_NEWEST_FIRST);
  const pg::Timestamp now = pg::Now();
  if (status == "active") return spi.Read(active, account_id, after, max_rows, now);
  return spi.Read(any, account_id, after, max_rows, now, status);
}

}  // namespace

LATCHKEY_FUNCTION(list_holds, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto after = args.Optional<Uuid>(1);
  const auto max_rows = args.Get<int32_t>(2, "max_rows");
  const auto status = args.Optional<std::string>(3);
  permissions::RequireAccount(args, account_id, "credits.read");
  if (max_rows < 1 || max_rows > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  CheckStatus(status);
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = ReadHolds(spi, account_id, after, max_rows, status);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    args.EmitRow({pg::ToValue(row.Get<Uuid>(1)), pg::ToValue(account_id), pg::ToValue(row.Text(2)),
                  pg::ToValue(row.Get<int64_t>(3)), pg::ToValue(row.Get<int64_t>(4)),
                  pg::ToValue(row.Get<int64_t>(5)), pg::ToValue(row.Text(6)),
                  pg::ToValue(row.Get<pg::Timestamp>(7)), pg::ToValue(row.Get<pg::Timestamp>(8)),
                  pg::ToValue(row.Optional<pg::Timestamp>(9)), pg::ToValue(false)});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::credits
