// Writing to the ledger, and its hash chain.
#include "extension/credits/ledger.hpp"

#include "extension/core/digest.hpp"
#include "extension/core/error.hpp"
#include "extension/credits/storage.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/settings.hpp"

namespace latchkey::credits {

namespace {

constexpr settings::BooleanSetting kHashChain("credits.hash_chain");

void AppendInteger(std::string& bytes, uint64_t number, int size) {
  for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(number >> (8 * i));
}

void AppendText(std::string& bytes, const std::optional<std::string>& text) {
  AppendInteger(bytes, text ? text->size() : ~uint64_t{0}, 4);
  if (text) bytes += *text;
}

#define LATCHKEY_LEDGER_COLUMNS                                                           \
  "account_id, id, part, kind, amount, total, lot_id, lot_seq, balance_after, quantity, " \
  "recorded_at, related_id, service, idempotency_key, fingerprint, reference, metadata, hash"

}  // namespace

Book::Book(pg::Spi& spi, const Uuid& account_id)
    : spi_(spi), account_id_(account_id), hash_chain_(kHashChain.Get(spi)) {}

void Book::Open(const Heading& heading) {
  headings_.push_back(heading);
  part_ = 0;
}

void Book::Post(Lot& lot, int64_t amount) {
  lot.available = AddCredits(lot.available, amount);
  Add(lot, amount);
}

void Book::PostHeld(Lot& lot, int64_t amount) {
  lot.held = AddCredits(lot.held, amount);
  Add(lot, amount);
}

void Book::Add(Lot& lot, int64_t amount) {
  Entry entry{headings_.size() - 1, ++part_,  amount,       lot.id,    ++lot.seq,
              lot.available,        lot.held, std::nullopt, lot.stored};
  if (hash_chain_) entry.hash = Sha256(lot.hash.value_or("") + BytesOf(entry));
  lot.hash = entry.hash;
  lot.changed = true;
  entries_.push_back(std::move(entry));
}

// Keep in step with LATCHKEY_LEDGER_BYTES, by which verify_ledger() reads it.
std::string Book::BytesOf(const Entry& entry) const {
  const Heading& heading = headings_[entry.heading];
  std::string bytes;
  bytes.reserve(256);
  bytes += account_id_.AsBytes();
  bytes += entry.lot_id.AsBytes();
  AppendInteger(bytes, entry.lot_seq, 8);
  bytes += heading.id.AsBytes();
  AppendInteger(bytes, entry.part, 4);
  AppendInteger(bytes, entry.amount, 8);
  AppendInteger(bytes, heading.total, 8);
  AppendInteger(bytes, heading.balance_after, 8);
  AppendInteger(bytes, heading.quantity.value_or(-1), 8);
  AppendInteger(bytes, heading.recorded_at.micros, 8);
  bytes += heading.related_id.value_or(Uuid{}).AsBytes();
  const bool first = entry.part == 1;
  AppendText(bytes, heading.kind);
  AppendText(bytes, heading.service);
  AppendText(bytes, first ? heading.idempotency_key : std::nullopt);
  AppendText(bytes, heading.reference);
  AppendText(bytes, heading.metadata);
  if (first && heading.fingerprint) bytes += *heading.fingerprint;
  return bytes;
}

Lot Book::Split(Lot& lot, int64_t amount, int32_t slice, int64_t balance, pg::Timestamp now) {
  Heading heading;
  heading.id = NewUuid();
  heading.kind = "split";
  heading.balance_after = balance;
  heading.recorded_at = now;
  heading.related_id = lot.grant_id;
  Lot part = lot;
  part.id = NewUuid();
  part.slice = slice;
  part.available = part.held = part.seq = 0;
  part.hash.reset();
  part.is_new = true;
  Open(heading);
  Post(lot, -amount);
  Post(part, amount);
  return part;
}

bool Book::WriteSingle() { return InsertFirst(entries_[0]); }

bool Book::Write(std::vector<Lot>& lots) {
  if (!entries_.empty() && !InsertFirst(entries_[0])) return false;
  if (entries_.size() > 1) InsertRest();
  for (Lot& lot : lots) {
    if (lot.is_new) {
      InsertLot(spi_, account_id_, lot);
    } else if (lot.changed && !IsWritten(lot)) {
      UpdateLot(spi_, account_id_, lot);
    }
  }
  return true;
}

bool Book::IsWritten(const Lot& lot) const {
  if (entries_.empty()) return false;
  const Entry& first = entries_[0];
  return first.lot_id == lot.id && first.lot_seq == lot.seq && first.held == lot.held;
}

// The lot changes only when the row is new. (A lot that is new itself is not there yet.) Two plain
// statements are cheaper than one with a CTE.
bool Book::InsertFirst(const Entry& entry) {
  static pg::Statement insert(
      "INSERT INTO latchkey.credit_transactions (" LATCHKEY_LEDGER_COLUMNS
      ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb,"
      " $18) ON CONFLICT (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO "
      "NOTHING");
  static pg::Statement update(
      "UPDATE latchkey.credit_lots SET available = $3, held = $4, open = $5, seq = $6, hash = $7 "
      "WHERE account_id = $1 AND id = $2");
  if (entry.stored != nullptr) return InsertStored(entry);
  const Heading& heading = headings_[entry.heading];
  spi_.RunLatest(insert, account_id_, heading.id, entry.part, heading.kind, entry.amount,
                 heading.total, entry.lot_id, entry.lot_seq, heading.balance_after,
                 heading.quantity, heading.recorded_at, heading.related_id, heading.service,
                 heading.idempotency_key, pg::ToBytes(heading.fingerprint), heading.reference,
                 heading.metadata, pg::ToBytes(entry.hash));
  if (spi_.affected() == 0) return false;
  const bool is_open = entry.available > 0 || entry.held > 0;
  spi_.RunLatest(update, account_id_, entry.lot_id, entry.available, entry.held, is_open,
                 entry.lot_seq, pg::ToBytes(entry.hash));
  return true;
}

bool Book::InsertStored(const Entry& entry) {
  const Heading& heading = headings_[entry.heading];
  pg::Param metadata = {JSONBOID, 0, true};
  if (heading.metadata) metadata = pg::JsonParam(*heading.metadata);
  const pg::Param hash = pg::ToParam(pg::ToBytes(entry.hash));
  const std::initializer_list<pg::Param> row = {
      pg::ToParam(account_id_),
      pg::ToParam(heading.id),
      pg::ToParam(entry.part),
      pg::ToParam(heading.kind),
      pg::ToParam(entry.amount),
      pg::ToParam(heading.total),
      pg::ToParam(entry.lot_id),
      pg::ToParam(entry.lot_seq),
      pg::ToParam(heading.balance_after),
      pg::ToParam(heading.quantity),
      pg::ToParam(heading.recorded_at),
      pg::ToParam(heading.related_id),
      pg::ToParam(heading.service),
      pg::ToParam(heading.idempotency_key),
      pg::ToParam(pg::ToBytes(heading.fingerprint)),
      pg::ToParam(heading.reference),
      metadata,
      hash,
  };
  return WriteDebit(row, entry.stored, {entry.available, entry.held, entry.lot_seq, hash});
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

void Book::InsertRest() {
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
