// Transaction-local state with savepoint semantics.
#include "extension/pg/transaction_state.hpp"

namespace latchkey::pg {

namespace {

template <typename T>
struct Binding {
  int nesting_level;  // of the (sub)transaction that bound it
  T value;
};

// A stack of bindings: the innermost is the valid one.
template <typename T>
class Bindings {
 public:
  void Bind(const T& value) {
    const int level = GetCurrentTransactionNestLevel();
    if (!stack_.empty() && stack_.back().nesting_level == level) {
      stack_.back().value = value;
    } else {
      stack_.push_back({level, value});
    }
  }
  const T* Current() const { return stack_.empty() ? nullptr : &stack_.back().value; }
  void Clear() noexcept { stack_.clear(); }
  void AbortSubtransaction(int level) noexcept {
    while (!stack_.empty() && stack_.back().nesting_level >= level) stack_.pop_back();
  }
  // What a committed subtransaction bound now belongs to its parent.
  void CommitSubtransaction(int level) noexcept {
    if (stack_.empty() || stack_.back().nesting_level < level) return;
    stack_.back().nesting_level = level - 1;
    const size_t size = stack_.size();
    if (size >= 2 && stack_[size - 2].nesting_level == level - 1) {
      stack_.erase(stack_.end() - 2);
    }
  }

 private:
  std::vector<Binding<T>> stack_;
};

Bindings<Identity> identities;
Bindings<RequestContext> requests;
Bindings<Cause> causes;

void OnTransaction(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
      identities.Clear();
      requests.Clear();
      causes.Clear();
      break;
    default:
      break;
  }
}

void OnSubtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  const int level = GetCurrentTransactionNestLevel();
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    identities.AbortSubtransaction(level);
    requests.AbortSubtransaction(level);
    causes.AbortSubtransaction(level);
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    identities.CommitSubtransaction(level);
    requests.CommitSubtransaction(level);
    causes.CommitSubtransaction(level);
  }
}

}  // namespace

void BindIdentity(const Identity& identity) { identities.Bind(identity); }
const Identity* BoundIdentity() { return identities.Current(); }
void BindRequest(const RequestContext& request) { requests.Bind(request); }
const RequestContext* BoundRequest() { return requests.Current(); }
void BindCause(const Cause& cause) { causes.Bind(cause); }
const Cause* BoundCause() { return causes.Current(); }

void RegisterTransactionState() {
  RegisterXactCallback(OnTransaction, nullptr);
  RegisterSubXactCallback(OnSubtransaction, nullptr);
}

}  // namespace latchkey::pg
