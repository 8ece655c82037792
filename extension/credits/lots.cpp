// Lots: reading, ranking and locking them.
#include "extension/credits/lots.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "extension/core/error.hpp"
#include "extension/pg/array.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::credits {

namespace {

bool HasAll(const std::vector<Lot>& lots, const pg::Rows& ids) {
  for (uint64_t i = 0; i < ids.size(); ++i) {
    const auto id = ids[i].Get<Uuid>(1);
    const auto same = [&](const Lot& lot) { return lot.id == id; };
    if (std::find_if(lots.begin(), lots.end(), same) == lots.end()) return false;
  }
  return true;
}

}  // namespace

bool BurnsBefore(const Lot& a, const Lot& b) {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  const auto key = [&](const Lot& lot) {
    const int64_t end = lot.expires_at ? lot.expires_at->micros : kNever;
    return std::make_tuple(lot.priority, end, lot.granted_at.micros);
  };
  if (key(a) != key(b)) return key(a) < key(b);
  if (a.grant_id != b.grant_id) return a.grant_id < b.grant_id;
  return a.slice != b.slice ? a.slice < b.slice : a.id < b.id;
}

int64_t AddCredits(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    throw Error(ErrorCode::kInvalidArgument, "the credits of this account are out of range",
                "An account holds at most 9223372036854775807.");
  }
  return sum;
}

int64_t Spendable(const std::vector<Lot>& lots, pg::Timestamp now) {
  int64_t sum = 0;
  for (const Lot& lot : lots) {
    if (!lot.IsExpired(now)) sum = AddCredits(sum, lot.available);
  }
  return sum;
}

Lot* FindLot(std::vector<Lot>& lots, const Uuid& id) {
  for (Lot& lot : lots) {
    if (lot.id == id) return &lot;
  }
  return nullptr;
}

std::vector<Lot> LockLots(pg::Spi& spi, const Uuid& account_id, const std::vector<Uuid>& also) {
  static pg::Statement lock("SELECT " LATCHKEY_LOT_COLUMNS
                            " FROM latchkey.credit_lots "
                            "WHERE account_id = $1 AND (open OR id = ANY ($2)) "
                            "ORDER BY id FOR NO KEY UPDATE");
  static pg::Statement open("SELECT id FROM latchkey.credit_lots WHERE account_id = $1 AND open");
  const pg::Raw ids = pg::ToArray(also);
  std::vector<Lot> lots;
  // While this waited for a lot, others may have split it, or opened one again by a refund: those
  // are not among the lots that the statement saw when it began. All are then given back and locked
  // anew, because these come before some that are locked.
  for (bool complete = false; !complete;) {
    pg::Subtransaction attempt(spi);
    lots.clear();
    const pg::Rows rows = spi.RunLatest(lock, account_id, ids);
    for (uint64_t i = 0; i < rows.size(); ++i) lots.push_back(LotFromRow(rows[i]));
    complete = HasAll(lots, spi.RunLatest(open, account_id));
    if (complete) {
      attempt.Commit();
    } else {
      attempt.Rollback();
    }
  }
  std::sort(lots.begin(), lots.end(), BurnsBefore);
  return lots;
}

int64_t ReadSpendable(pg::Spi& spi, const Uuid& account_id, pg::Timestamp now) {
  static pg::Statement statement(R"(
    SELECT coalesce(sum(available), 0)::bigint FROM latchkey.credit_lots
     WHERE account_id = $1 AND open AND (expires_at IS NULL OR expires_at > $2))");
  return spi.RunLatest(statement, account_id, now)[0].Get<int64_t>(1);
}

void InsertLot(pg::Spi& spi, const Uuid& account_id, const Lot& lot) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.credit_lots (account_id, id, grant_id, slice, kind, priority, expires_at,
                                      granted_at, available, held, open, seq, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))");
  const bool is_open = lot.available > 0 || lot.held > 0;
  spi.RunLatest(statement, account_id, lot.id, lot.grant_id, lot.slice, lot.kind, lot.priority,
                lot.expires_at, lot.granted_at, lot.available, lot.held, is_open, lot.seq,
                pg::ToBytes(lot.hash));
}

void UpdateLot(pg::Spi& spi, const Uuid& account_id, const Lot& lot) {
  static pg::Statement statement(R"(
    UPDATE latchkey.credit_lots SET available = $3, held = $4, open = $5, seq = $6, hash = $7
     WHERE account_id = $1 AND id = $2)");
  const bool is_open = lot.available > 0 || lot.held > 0;
  spi.RunLatest(statement, account_id, lot.id, lot.available, lot.held, is_open, lot.seq,
                pg::ToBytes(lot.hash));
}

}  // namespace latchkey::credits
