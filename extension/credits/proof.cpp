// The proof: the ledger is append-only, and whatever differs from it is named.
#include "extension/core/error.hpp"
#include "extension/credits/ledger.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::credits {

// BEFORE UPDATE OR DELETE ROW and BEFORE TRUNCATE. For everybody, the owner included.
LATCHKEY_FUNCTION(keep_ledger, kOpen) {
  throw Error(ErrorCode::kForbidden, "this table is append-only", {},
              "What was booked is put right by booking it back.");
}

namespace {

// Null: all accounts. One statement, so that all of it is seen at one moment.
constexpr const char* kProof =
    "WITH chained AS ("
    " SELECT t.account_id, t.lot_id, t.lot_seq, t.amount, t.hash,"
    "  t.hash IS DISTINCT FROM CASE WHEN t.hash IS NOT NULL THEN"
    "   sha256(coalesce(lag(t.hash) OVER w, '') || " LATCHKEY_LEDGER_BYTES
    ") END AS forged,"
    "  t.lot_seq <> row_number() OVER w AS gap, row_number() OVER w = count(*) OVER l AS last,"
    "  count(*) OVER l AS entries, sum(t.amount) OVER l AS booked"
    " FROM latchkey.credit_transactions t WHERE t.account_id = $1 OR $1 IS NULL"
    " WINDOW w AS (PARTITION BY t.account_id, t.lot_id ORDER BY t.lot_seq, t.id, t.part),"
    "  l AS (PARTITION BY t.account_id, t.lot_id)),"
    "lots AS (SELECT * FROM latchkey.credit_lots WHERE account_id = $1 OR $1 IS NULL),"
    "held AS ("
    " SELECT account_id, h.lot_id, sum(h.amount) AS held FROM latchkey.credit_hold_lots h"
    "  JOIN latchkey.credit_holds o USING (account_id)"
    " WHERE o.id = h.hold_id AND o.status = 'active' AND (account_id = $1 OR $1 IS NULL)"
    " GROUP BY account_id, h.lot_id) "
    "SELECT account_id, lot_id, problem FROM ("
    " SELECT DISTINCT account_id, lot_id,"
    "  'the hash of row ' || lot_seq || ' is not that of its contents and of the row before it'"
    "  FROM chained WHERE forged"
    " UNION ALL SELECT account_id, lot_id, 'a row is missing before row ' || min(lot_seq)"
    "  FROM chained WHERE gap GROUP BY account_id, lot_id"
    " UNION ALL SELECT c.account_id, c.lot_id, 'the ledger names a lot that is not there'"
    "  FROM chained c LEFT JOIN lots l ON l.account_id = c.account_id AND l.id = c.lot_id"
    "  WHERE c.last AND l.id IS NULL"
    " UNION ALL SELECT l.account_id, l.id, 'the ledger books ' || coalesce(c.booked, 0)"
    "   || ', the lot holds ' || (l.available::numeric + l.held)"
    "  FROM lots l LEFT JOIN chained c ON c.account_id = l.account_id AND c.lot_id = l.id AND "
    "c.last"
    "  WHERE coalesce(c.booked, 0) <> l.available::numeric + l.held"
    " UNION ALL SELECT l.account_id, l.id, 'the ledger''s end is missing'"
    "  FROM lots l LEFT JOIN chained c ON c.account_id = l.account_id AND c.lot_id = l.id AND "
    "c.last"
    "  WHERE (c.entries, c.hash) IS DISTINCT FROM (l.seq, l.hash)"
    " UNION ALL SELECT l.account_id, l.id, 'holds set ' || coalesce(h.held, 0)"
    "   || ' aside, the lot says ' || l.held"
    "  FROM lots l LEFT JOIN held h ON h.account_id = l.account_id AND h.lot_id = l.id"
    "  WHERE coalesce(h.held, 0) <> l.held"
    " UNION ALL SELECT t.account_id, NULL, 'the parts of transaction ' || t.id || ' do not add up'"
    "  FROM latchkey.credit_transactions t WHERE t.account_id = $1 OR $1 IS NULL"
    "  GROUP BY t.account_id, t.id"
    "  HAVING sum(t.amount) <> min(t.total) OR min(t.total) <> max(t.total)"
    "   OR max(t.part) <> count(*) OR min(t.part) <> 1"
    ") AS p (account_id, lot_id, problem) ORDER BY account_id, lot_id, problem";

}  // namespace

LATCHKEY_FUNCTION(verify_ledger, kOpen) {
  const auto account_id = args.Optional<Uuid>(0);
  permissions::Require(args, "credits.read", account_id);
  static pg::Statement statement(kProof);
  pg::Spi spi(pg::Spi::kReadOnly);
  const pg::Rows rows = spi.Read(statement, account_id);
  args.BeginSet();
  for (uint64_t i = 0; i < rows.size(); ++i) {
    args.EmitRow({pg::ToValue(rows[i].Get<Uuid>(1)), pg::ToValue(rows[i].Optional<Uuid>(2)),
                  pg::ToValue(rows[i].Text(3))});
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::credits
