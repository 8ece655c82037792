// Writing the rows that a book has collected, and the lots.
#include "extension/credits/ledger.hpp"
#include "extension/credits/storage.hpp"
#include "extension/pg/array.hpp"

namespace latchkey::credits {

#define LATCHKEY_LEDGER_COLUMNS                                                           \
  "account_id, id, part, kind, amount, total, lot_id, lot_seq, balance_after, quantity, " \
  "recorded_at, related_id, service, idempotency_key, fingerprint, reference, metadata, hash"

bool Book::WriteSingle(const Lot& lot) {
  if (!InsertFirst()) return false;
  WriteLot(lot);
  return true;
}

bool Book::Write(const std::vector<Lot>& lots) {
  if (!entries_.empty() && !InsertFirst()) return false;
  if (entries_.size() > 1) InsertRest();
  WriteLots(lots);
  return true;
}

bool Book::InsertAll() { return InsertAllStored(RowsOf(0, entries_.size())); }

void Book::WriteLots(const std::vector<Lot>& lots) {
  for (const Lot& lot : lots) {
    if (lot.is_new) {
      InsertLot(spi_, account_id_, lot);
    } else if (lot.changed) {
      WriteLot(lot);
    }
  }
}

void Book::WriteLot(const Lot& lot) {
  if (lot.stored != nullptr) {
    UpdateStored(lot);
  } else {
    UpdateLot(spi_, account_id_, lot);
  }
}

bool Book::InsertFirst() {
  static pg::Statement insert(
      "INSERT INTO latchkey.credit_transactions (" LATCHKEY_LEDGER_COLUMNS
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb,"
      " $18) ON CONFLICT (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO "
      "NOTHING");
  if (stored_) return InsertStored(RowsOf(0, 1));
  const Entry& entry = entries_[0];
  const Heading& heading = headings_[entry.heading];
  spi_.RunLatest(insert, account_id_, heading.id, entry.part, heading.kind, entry.amount,
                 heading.total, entry.lot_id, entry.lot_seq, heading.balance_after,
                 heading.quantity, heading.recorded_at, heading.related_id, heading.service,
                 heading.idempotency_key, pg::ToBytes(heading.fingerprint), heading.reference,
                 heading.metadata, pg::ToBytes(entry.hash));
  return spi_.affected() == 1;
}

void Book::InsertRest() {
  if (!stored_) return InsertRestByStatement();
  if (!InsertAllStored(RowsOf(1, entries_.size()))) ThrowKeyInUse();
}

// All columns of these entries, in the table's order.
std::vector<pg::Param> Book::RowsOf(size_t begin, size_t end) const {
  constexpr pg::Param kNull = {InvalidOid, 0, true};
  constexpr size_t kColumns = 18;
  const pg::Param account_id = pg::ToParam(account_id_);
  std::vector<pg::Param> rows;
  rows.reserve((end - begin) * kColumns);
  for (size_t i = begin; i < end; ++i) {
    const Entry& entry = entries_[i];
    const Heading& heading = headings_[entry.heading];
    const bool first = entry.part == 1;
    rows.insert(rows.end(),
                {account_id, pg::ToParam(heading.id), pg::ToParam(entry.part),
                 pg::ToParam(heading.kind), pg::ToParam(entry.amount), pg::ToParam(heading.total),
                 pg::ToParam(entry.lot_id), pg::ToParam(entry.lot_seq),
                 pg::ToParam(heading.balance_after), pg::ToParam(heading.quantity),
                 pg::ToParam(heading.recorded_at), pg::ToParam(heading.related_id),
                 pg::ToParam(heading.service), first ? pg::ToParam(heading.idempotency_key) : kNull,
                 first ? pg::ToParam(pg::ToBytes(heading.fingerprint)) : kNull,
                 pg::ToParam(heading.reference),
                 heading.metadata ? pg::JsonParam(*heading.metadata) : kNull,
                 pg::ToParam(pg::ToBytes(entry.hash))});
  }
  return rows;
}

namespace {

// Columns of the rows that are inserted together.
class Columns {
 public:
  explicit Columns(size_t rows) : rows_(rows) {}
  template <typename T, typename Function>
  pg::Raw Of(Function&& value) const {
    std::vector<pg::Value> values;
    values.reserve(rows_);
    for (size_t i = 0; i < rows_; ++i) values.push_back(pg::ToValue(value(i)));
    return pg::ToArray(pg::OidOf<T>(), values);
  }

 private:
  size_t rows_;
};

}  // namespace

void Book::InsertRestByStatement() {
  static pg::Statement statement(
      "INSERT INTO latchkey.credit_transactions (" LATCHKEY_LEDGER_COLUMNS
      ") SELECT $1, id, part, kind, amount, total, lot_id, lot_seq, balance_after, quantity, "
      "recorded_at, related_id, service, idempotency_key, fingerprint, reference, metadata::jsonb, "
      "hash FROM ROWS FROM (unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), "
      "unnest($7), unnest($8), unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), "
      "unnest($14), unnest($15), unnest($16), unnest($17), unnest($18)) AS t (id, part, kind, "
      "amount, total, lot_id, lot_seq, balance_after, quantity, recorded_at, related_id, service, "
      "idempotency_key, fingerprint, reference, metadata, hash) "
      "ON CONFLICT (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING");
  const Columns columns(entries_.size() - 1);
  const auto entry = [this](size_t i) -> const Entry& { return entries_[i + 1]; };
  const auto heading = [&](size_t i) -> const Heading& { return headings_[entry(i).heading]; };
  // By reference: what ToBytes() makes of it only points to it.
  static const std::optional<std::string> none;
  const auto only_first = [&](size_t i, const auto& value) -> const std::optional<std::string>& {
    return entry(i).part == 1 ? value : none;
  };
  using Text = std::string;
  spi_.RunLatest(
      statement, account_id_, columns.Of<Uuid>([&](size_t i) { return heading(i).id; }),
      columns.Of<int32_t>([&](size_t i) { return entry(i).part; }),
      columns.Of<Text>([&](size_t i) { return heading(i).kind; }),
      columns.Of<int64_t>([&](size_t i) { return entry(i).amount; }),
      columns.Of<int64_t>([&](size_t i) { return heading(i).total; }),
      columns.Of<Uuid>([&](size_t i) { return entry(i).lot_id; }),
      columns.Of<int64_t>([&](size_t i) { return entry(i).lot_seq; }),
      columns.Of<int64_t>([&](size_t i) { return heading(i).balance_after; }),
      columns.Of<int64_t>([&](size_t i) { return heading(i).quantity; }),
      columns.Of<pg::Timestamp>([&](size_t i) { return heading(i).recorded_at; }),
      columns.Of<Uuid>([&](size_t i) { return heading(i).related_id; }),
      columns.Of<Text>([&](size_t i) { return heading(i).service; }),
      columns.Of<Text>([&](size_t i) { return only_first(i, heading(i).idempotency_key); }),
      columns.Of<pg::Bytes>(
          [&](size_t i) { return pg::ToBytes(only_first(i, heading(i).fingerprint)); }),
      columns.Of<Text>([&](size_t i) { return heading(i).reference; }),
      columns.Of<Text>([&](size_t i) { return heading(i).metadata; }),
      columns.Of<pg::Bytes>([&](size_t i) { return pg::ToBytes(entry(i).hash); }));
  // A key that another session has written since this one looked: the answer to it is not ours.
  if (spi_.affected() != entries_.size() - 1) {
    ThrowKeyInUse();
  }
}

}  // namespace latchkey::credits
