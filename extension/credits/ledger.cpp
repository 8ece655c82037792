// Collecting what goes into the ledger, and its hash chain.
#include "extension/credits/ledger.hpp"

#include "extension/core/digest.hpp"
#include "extension/core/error.hpp"
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

}  // namespace

Book::Book(pg::Spi& spi, const Uuid& account_id)
    : spi_(spi), account_id_(account_id), hash_chain_(kHashChain.Get(spi)) {}

void Book::Expect(size_t transactions) {
  headings_.reserve(transactions);
  entries_.reserve(transactions);
}

void Book::Open(Heading heading) {
  headings_.push_back(std::move(heading));
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
  Entry entry{headings_.size() - 1, ++part_, amount, lot.id, ++lot.seq, std::nullopt};
  if (hash_chain_) entry.hash = Sha256(BytesOf(entry, lot.hash));
  lot.hash = entry.hash;
  lot.changed = true;
  stored_ |= lot.stored != nullptr;
  entries_.push_back(std::move(entry));
}

// After the hash before: keep in step with LATCHKEY_LEDGER_BYTES, by which verify_ledger() reads
// it.
std::string Book::BytesOf(const Entry& entry, const std::optional<std::string>& hash_before) const {
  const Heading& heading = headings_[entry.heading];
  std::string bytes;
  bytes.reserve(320);
  if (hash_before) bytes += *hash_before;
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
  part.stored = nullptr;
  part.is_new = true;
  Open(heading);
  Post(lot, -amount);
  Post(part, amount);
  return part;
}

}  // namespace latchkey::credits
