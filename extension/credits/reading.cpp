// Balances, history and usage.
#include "extension/core/error.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::credits {

namespace {

constexpr int32_t kMaxRows = 1000;

// Ids are ordered by time, so that a time bounds them; a minute for clocks that were set back.
Uuid FirstIdAt(pg::Timestamp time) {
  constexpr int64_t kMicrosUntil2000 = int64_t{946684800} * 1000000;
  constexpr int64_t kSlack = int64_t{60} * 1000000;
  const int64_t unix = time.micros + kMicrosUntil2000 - kSlack;
  const uint64_t millis = unix > 0 ? static_cast<uint64_t>(unix) / 1000 : 0;
  Uuid id;
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(millis >> (40 - 8 * i));
  return id;
}

Uuid FirstIdAt(const std::optional<pg::Timestamp>& time) {
  return time && time->micros > 0 ? FirstIdAt(*time) : Uuid{};
}

}  // namespace

LATCHKEY_FUNCTION(credit_balance, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  args.RequireValue(1, "expiring_within");
  permissions::RequireAccount(args, account_id, "credits.read");
  // Holds whose time is over set nothing aside: what they hold counts as available.
  static pg::Statement statement(R"(
    WITH over AS (
      SELECT l.lot_id, sum(l.amount) AS amount
        FROM latchkey.credit_holds h
        JOIN latchkey.credit_hold_lots l ON l.account_id = $1 AND l.hold_id = h.id
       WHERE h.account_id = $1 AND h.status = 'active' AND h.expires_at <= $2 GROUP BY l.lot_id),
    lots AS (
      SELECT l.kind, l.expires_at, l.held - coalesce(o.amount, 0) AS held,
             CASE WHEN l.expires_at <= $2 THEN 0
                  ELSE l.available + coalesce(o.amount, 0) END AS available
        FROM latchkey.credit_lots l LEFT JOIN over o ON o.lot_id = l.id
       WHERE l.account_id = $1 AND l.open),
    kinds AS (
      SELECT kind, sum(available)::bigint AS available FROM lots WHERE available > 0 GROUP BY kind)
    SELECT coalesce(sum(available), 0)::bigint, coalesce(sum(held), 0)::bigint,
           coalesce(sum(available) FILTER (WHERE expires_at <= $2 + $3), 0)::bigint,
           (SELECT coalesce(jsonb_object_agg(kind, available), '{}') FROM kinds)
      FROM lots)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id, pg::Now(), args.AsIs(1, INTERVALOID));
  const auto available = rows[0].Get<int64_t>(1);
  const auto held = rows[0].Get<int64_t>(2);
  const auto expiring = rows[0].Get<int64_t>(3);
  const pg::Raw by_kind = rows[0].Copy(4);
  spi.Finish();
  return args.ReturnRow(
      {pg::ToValue(available), pg::ToValue(held), pg::ToValue(expiring), pg::ToValue(by_kind)});
}

// What the account held then: what it holds now, less what has been booked since, without lots that
// had expired.
LATCHKEY_FUNCTION(balance_at, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto time = args.Get<pg::Timestamp>(1, "time");
  permissions::RequireAccount(args, account_id, "credits.read");
  static pg::Statement statement(R"(
    WITH since AS (
      SELECT lot_id, sum(amount) AS amount FROM latchkey.credit_transactions
       WHERE account_id = $1 AND id >= $3 AND recorded_at > $2 GROUP BY lot_id)
    SELECT coalesce(sum(l.available::numeric + l.held - coalesce(s.amount, 0)), 0)::bigint
      FROM latchkey.credit_lots l LEFT JOIN since s ON s.lot_id = l.id
     WHERE l.account_id = $1 AND (l.expires_at IS NULL OR l.expires_at > $2))");
  pg::Spi spi(pg::Spi::kReadOnly);
  const auto balance = spi.Read(statement, account_id, time, FirstIdAt(time))[0].Get<int64_t>(1);
  spi.Finish();
  return args.Return(balance);
}

LATCHKEY_FUNCTION(credit_history, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto after = args.Optional<Uuid>(1);
  const auto max_rows = args.Get<int32_t>(2, "max_rows");
  const auto service = args.Optional<std::string>(3);
  const auto kind = args.Optional<std::string>(4);
  const auto from = args.Optional<pg::Timestamp>(5);
  const auto before = args.Optional<pg::Timestamp>(6);
  permissions::RequireAccount(args, account_id, "credits.read");
  if (max_rows < 1 || max_rows > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 1000");
  }
  static pg::Statement statement(R"(
    SELECT id, kind, total, service, quantity, balance_after, reference, related_id, metadata,
           recorded_at
      FROM latchkey.credit_transactions
     WHERE account_id = $1 AND part = 1 AND id >= $2
       AND id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       AND ($4 IS NULL OR service = $4)
       AND CASE WHEN $5 IS NULL THEN kind <> 'split' ELSE kind = $5 END
       AND ($6 IS NULL OR recorded_at >= $6) AND ($7 IS NULL OR recorded_at < $7)
     ORDER BY account_id DESC, id DESC LIMIT $8)");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id, FirstIdAt(from), after, service, kind, from,
                                 before, static_cast<int64_t>(max_rows));
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const pg::Row row = rows[i];
    args.EmitRow({pg::ToValue(row.Get<Uuid>(1)), pg::ToValue(account_id), pg::ToValue(row.Text(2)),
                  pg::ToValue(row.Get<int64_t>(3)), pg::ToValue(row.Optional<std::string>(4)),
                  pg::ToValue(row.Optional<int64_t>(5)), pg::ToValue(row.Get<int64_t>(6)),
                  pg::ToValue(row.Optional<std::string>(7)), pg::ToValue(row.Optional<Uuid>(8)),
                  pg::ToValue(row.Copy(9)), pg::ToValue(row.Get<pg::Timestamp>(10)),
                  pg::ToValue(false)});
  }
  spi.Finish();
  return args.Void();
}

// Per UTC day and service; refunds count on the day on which they were made.
LATCHKEY_FUNCTION(credit_usage, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  const auto from = args.Get<pg::Timestamp>(1, "from");
  const auto before = args.Optional<pg::Timestamp>(2);
  permissions::RequireAccount(args, account_id, "credits.read");
  static pg::Statement statement(R"(
    SELECT date_trunc('day', recorded_at, 'UTC'), service, -sum(total),
           count(*) FILTER (WHERE kind <> 'refund')
      FROM latchkey.credit_transactions
     WHERE account_id = $1 AND part = 1 AND kind IN ('debit', 'capture', 'refund')
       AND id >= $4 AND recorded_at >= $2 AND ($3 IS NULL OR recorded_at < $3)
     GROUP BY 1, 2 ORDER BY 1, service COLLATE "C")");
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id, from, before, FirstIdAt(from));
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    args.EmitRow({pg::ToValue(rows[i].Get<pg::Timestamp>(1)), pg::ToValue(rows[i].Text(2)),
                  pg::ToValue(rows[i].Copy(3)), pg::ToValue(rows[i].Get<int64_t>(4))});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::credits
