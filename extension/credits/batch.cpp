// debit_credits_batch: many debits of one account for one lock, one insert and one update per lot.
#include "extension/credits/accounts.hpp"
#include "extension/credits/batch_items.hpp"
#include "extension/credits/expired_holds.hpp"
#include "extension/credits/service_costs.hpp"
#include "extension/credits/storage.hpp"
#include "extension/credits/thresholds.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/catalog.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::credits {

namespace {

class Batch {
 public:
  Batch(pg::Spi& spi, const Uuid& account_id, std::vector<Item>& items)
      : spi_(spi), account_id_(account_id), items_(items) {}

  void Run(bool atomic) {
    lots_ = LockAccount(spi_, account_id_, pg::Now());
    now_ = pg::Now();
    balance_ = Spendable(lots_, now_);
    if (lots_.empty()) RequireAccountRow(spi_, account_id_);
    if (!LooksNew() || !WriteAsNew()) Write(atomic);
    NoteBalance(spi_, account_id_, balance_);
    for (Item& item : items_) Answer(item);
  }

 private:
  [[noreturn]] static void ThrowOf(size_t position, const Error& error) {
    throw Error(error.code(), "debit " + std::to_string(position) + ": " + error.message(),
                error.detail(), error.hint());
  }

  // The usual batch: no key in it has been used. Where it is one that is repeated, its first has.
  bool LooksNew() const {
    if (lots_.empty() || lots_[0].stored == nullptr) return false;
    for (const Item& item : items_) {
      if (!item.debit || !item.debit->idempotency.key) return false;
    }
    return !AreKeysKnown(account_id_, {pg::ToParam(*items_[0].debit->idempotency.key)})[0];
  }

  // Looks no key up: writing the rows tells whether one is taken. False, and nothing has happened,
  // when one is, or when a debit can't be made: its key might be of one that was.
  bool WriteAsNew() {
    const std::vector<Lot> lots = lots_;
    const int64_t balance = balance_;
    if (DecideAll()) {
      pg::Subtransaction attempt(spi_);
      if (book_->InsertAll()) {
        attempt.Commit();
        book_->WriteLots(lots_);
        return true;
      }
      attempt.Rollback();
    }
    lots_ = lots;
    balance_ = balance;
    return false;
  }

  void Write(bool atomic) {
    known_ = FindKnown(spi_, account_id_, items_);
    if (!DecideAll() && atomic) ThrowFirst();
    if (!book_->Write(lots_)) ThrowKeyInUse();
  }

  void ThrowFirst() const {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].error) ThrowOf(i + 1, *items_[i].error);
    }
  }

  // Whether each debit can be made. What can't, has its error.
  bool DecideAll() {
    book_.emplace(spi_, account_id_);
    book_->Expect(items_.size());
    bool all = true;
    for (Item& item : items_) {
      try {
        item.Forget();
        if (item.debit) Decide(item);
      } catch (const Error& error) {
        item.error = error;
      }
      all &= !item.error;
    }
    return all;
  }

  void Decide(Item& item) {
    Debit& debit = *item.debit;
    const auto& key = debit.idempotency.key;
    if (key) {
      const auto found = known_.find(*key);
      if (found != known_.end()) return Replay(item, found->second);
    }
    const auto unit = CostPerUnit(spi_, debit.service);
    if (!unit) ThrowNoService(debit.service);
    debit.cost = CostOf(*unit, debit.quantity);
    if (balance_ < debit.cost) ThrowInsufficient(debit.cost, balance_);
    PostDebit(*book_, lots_, debit, balance_, now_);
    item.made = book_->count() - 1;
    balance_ -= debit.cost;
    if (key) known_.emplace(*key, &item);
  }

  // Made by an earlier call, or by an earlier item of this one.
  void Replay(Item& item, const Item* first) {
    const Idempotency& idempotency = item.debit->idempotency;
    if (first == nullptr) {
      item.transaction = *FindReplay(spi_, account_id_, idempotency);
      return;
    }
    if (first->debit->idempotency.fingerprint != idempotency.fingerprint) {
      throw Error(ErrorCode::kIdempotencyMismatch,
                  "the idempotency key was used before with other arguments");
    }
    item.first = first;
  }

  void Answer(Item& item) {
    if (item.made) item.transaction = book_->Take(*item.made);
    if (item.first == nullptr) return;
    item.transaction = item.first->transaction;
    item.transaction.replayed = true;
  }

  pg::Spi& spi_;
  const Uuid account_id_;
  std::vector<Item>& items_;
  std::optional<Book> book_;
  std::vector<Lot> lots_;
  Known known_;
  pg::Timestamp now_;
  int64_t balance_ = 0;
};

}  // namespace

LATCHKEY_FUNCTION(debit_credits_batch, kOpen) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  args.RequireValue(1, "debits");
  const auto atomic = args.Get<bool>(2, "atomic");
  permissions::Require(args, "credits.debit", account_id);
  pg::Spi spi;
  std::vector<Item> items = ReadItems(args.AsIs(1, JSONBOID));
  Batch(spi, account_id, items).Run(atomic);
  spi.Finish();
  const Oid type = pg::TypeOid("credit_transaction");
  args.BeginSet();
  for (size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    pg::Value transaction;
    if (!item.error) {
      transaction = pg::Composite(type, TransactionRow(account_id, item.transaction));
    }
    std::optional<std::string> message;
    if (item.error) message = item.error->message();
    args.EmitRow({pg::ToValue(static_cast<int32_t>(i + 1)),
                  pg::ToValue(item.error ? Describe(item.error->code()).code : "ok"),
                  pg::ToValue(message), transaction});
  }
  return args.Void();
}

}  // namespace latchkey::credits
