// Writing to the ledger: every change of what a lot holds is a row of it, chained by hashes.
#pragma once

#include <functional>

#include "extension/core/idempotency.hpp"
#include "extension/credits/lots.hpp"
#include "extension/pg/args.hpp"

namespace latchkey::credits {

// What all rows of a transaction have in common.
struct Heading {
  Uuid id;
  const char* kind = "";
  int64_t total = 0;
  int64_t balance_after = 0;
  std::optional<int64_t> quantity;
  pg::Timestamp recorded_at;
  std::optional<Uuid> related_id;
  std::optional<std::string> service;
  std::optional<std::string> reference;
  std::optional<std::string> metadata;  // JSON as the server prints it
  // These two stand in part 1 alone.
  std::optional<std::string> idempotency_key;
  std::optional<std::string> fingerprint;
};

// A transaction as functions return it.
struct Transaction {
  Heading heading;
  bool replayed = false;
};

std::vector<pg::Value> TransactionRow(const Uuid& account_id, const Transaction& transaction);

// The transaction that was made with the key; none when there is none. Raises LK419 when its
// arguments were others.
std::optional<Transaction> FindReplay(pg::Spi& spi, const Uuid& account_id,
                                      const Idempotency& idempotency);
// In an error's place, when the key has been used: the first call had an answer.
Transaction ReplayOr(pg::Spi& spi, const Uuid& account_id, const Idempotency& idempotency,
                     const std::function<void()>& raise);

// LK410: another session has used the key since this one looked.
[[noreturn]] void ThrowKeyInUse();

// Collects the rows of a call, changes the lots in memory, and writes both.
class Book {
 public:
  Book(pg::Spi& spi, const Uuid& account_id);

  void Expect(size_t transactions);
  void Open(Heading heading);  // the next transaction
  // A row of it: the lot, which is locked, gains the amount (negative: loses) in `available`.
  void Post(Lot& lot, int64_t amount);
  // The same out of `held`, for captures.
  void PostHeld(Lot& lot, int64_t amount);
  // Moves the amount to a new lot of the same grant; a transaction of its own.
  Lot Split(Lot& lot, int64_t amount, int32_t slice, int64_t balance, pg::Timestamp now);

  // The first row alone, whose lot the caller writes. False, and nothing is written, when the key
  // is taken.
  bool InsertFirst();
  // One row and its lot. False, and nothing is written, when the key is taken.
  bool WriteSingle(const Lot& lot);
  size_t count() const { return headings_.size(); }  // of transactions that were opened

  // All rows, without SPI. False when a key is taken or just being used; some may be written then,
  // so the caller undoes it. The lots are left to WriteLots().
  bool InsertAll();
  void WriteLots(const std::vector<Lot>& lots);
  // Everything. False, and nothing is written, when the key of the first row is taken.
  bool Write(const std::vector<Lot>& lots);

  // The transaction that was opened as number `i`, from 0; once each, when all is written.
  Transaction Take(size_t i) { return {std::move(headings_[i]), false}; }

 private:
  struct Entry {
    size_t heading;
    int32_t part;
    int64_t amount;
    Uuid lot_id;
    int64_t lot_seq;
    std::optional<std::string> hash;
  };

  void Add(Lot& lot, int64_t amount);
  // What the hash of the entry covers.
  std::string BytesOf(const Entry& entry, const std::optional<std::string>& hash_before) const;
  void WriteLot(const Lot& lot);
  void InsertRest();
  std::vector<pg::Param> RowsOf(size_t begin, size_t end) const;
  void InsertRestByStatement();

  pg::Spi& spi_;
  Uuid account_id_;
  bool hash_chain_;
  bool stored_ = false;  // lots were locked without SPI, so rows are written without it
  std::vector<Heading> headings_;
  std::vector<Entry> entries_;
  int32_t part_ = 0;
};

// SQL: the bytes of ledger row `t` that its hash covers, as Book makes them.
#define LATCHKEY_LEDGER_BYTES \
  "uuid_send(t.account_id) || uuid_send(t.lot_id) || int8send(t.lot_seq) || uuid_send(t.id) || "   \
  "int4send(t.part) || int8send(t.amount) || int8send(t.total) || int8send(t.balance_after) || "   \
  "int8send(coalesce(t.quantity, -1)) || timestamptz_send(t.recorded_at) || "                      \
  "uuid_send(coalesce(t.related_id, '00000000-0000-0000-0000-000000000000')) || "                  \
  "int4send(octet_length(t.kind)) || convert_to(t.kind, 'UTF8') || "                               \
  LATCHKEY_LEDGER_TEXT("t.service") " || " LATCHKEY_LEDGER_TEXT("t.idempotency_key") " || "        \
  LATCHKEY_LEDGER_TEXT("t.reference") " || " LATCHKEY_LEDGER_TEXT("t.metadata::text") " || "       \
  "coalesce(t.fingerprint, '')"
#define LATCHKEY_LEDGER_TEXT(column)                                                \
  "int4send(coalesce(octet_length(" column "), -1)) || coalesce(convert_to(" column \
  ", 'UTF8'), "                                                                     \
  "'')"

}  // namespace latchkey::credits
