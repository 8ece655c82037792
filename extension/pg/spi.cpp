// SPI sessions, plans and the owner's identity.
#include "extension/pg/spi.hpp"

#include <stdexcept>

#include "extension/pg/catalog.hpp"

extern "C" {
#include "access/parallel.h"
#include "access/xlog.h"
#include "optimizer/cost.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

namespace latchkey::pg {

namespace {
constexpr size_t kMaxParams = 24;

// The server plans at a statement's first run, and again whenever it thinks that necessary: what it
// may use is set around each run.
class IndexesOnly {
 public:
  explicit IndexesOnly(bool active) : active_(active) {
    if (active_) enable_seqscan = enable_bitmapscan = enable_hashjoin = enable_mergejoin = false;
  }
  ~IndexesOnly() {
    if (!active_) return;
    enable_seqscan = seqscan_;
    enable_bitmapscan = bitmapscan_;
    enable_hashjoin = hashjoin_;
    enable_mergejoin = mergejoin_;
  }
  IndexesOnly(const IndexesOnly&) = delete;
  IndexesOnly& operator=(const IndexesOnly&) = delete;

 private:
  const bool active_;
  const bool seqscan_ = enable_seqscan;
  const bool bitmapscan_ = enable_bitmapscan;
  const bool hashjoin_ = enable_hashjoin;
  const bool mergejoin_ = enable_mergejoin;
};
}  // namespace

OwnerScope::OwnerScope() {
  const Oid owner = OwnerRole();
  GetUserIdAndSecContext(&saved_user_, &saved_context_);
  guc_level_ = Call([] {
#if PG_VERSION_NUM >= 170000
    const int level = NewGUCNestLevel();
    RestrictSearchPath();
    return level;
#else
    OverrideSearchPath path{};
    path.schemas = NIL;
    path.addCatalog = true;
    path.addTemp = false;
    PushOverrideSearchPath(&path);
    return 0;
#endif
  });
  SetUserIdAndSecContext(owner, saved_context_ | SECURITY_LOCAL_USERID_CHANGE);
}

void OwnerScope::Leave() {
  SetUserIdAndSecContext(saved_user_, saved_context_);
  const int level = guc_level_;
  Call([level] {
#if PG_VERSION_NUM >= 170000
    AtEOXact_GUC(false, level);
#else
    (void)level;
    PopOverrideSearchPath();
#endif
  });
}

bool Row::IsNull(int column) const {
  bool is_null = false;
  heap_getattr(tuple_, column, desc_, &is_null);
  return is_null;
}

Raw Row::AsIs(int column) const {
  bool is_null = false;
  const Datum datum = heap_getattr(tuple_, column, desc_, &is_null);
  return {TupleDescAttr(desc_, column - 1)->atttypid, datum, is_null};
}

Raw Row::Copy(int column) const {
  bool is_null = false;
  const Datum datum = heap_getattr(tuple_, column, desc_, &is_null);
  const Form_pg_attribute attribute = TupleDescAttr(desc_, column - 1);
  Raw raw{attribute->atttypid, 0, is_null};
  if (is_null) return raw;
  const bool by_value = attribute->attbyval;
  const int length = attribute->attlen;
  raw.value = Call([=] {
    const MemoryContext old = MemoryContextSwitchTo(ResultContext());
    const Datum copy = datumCopy(datum, by_value, length);
    MemoryContextSwitchTo(old);
    return copy;
  });
  return raw;
}

void Row::ThrowNull(int column) {
  throw std::logic_error("latchkey: unexpected null in column " + std::to_string(column));
}

void Spi::Connect() {
  if (owner_) return;
  caller_ = CurrentMemoryContext;
  Call([] {
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "latchkey: SPI_connect failed");
  });
  owner_.emplace();
}

void Spi::Finish() {
  if (!owner_) return;
  owner_->Leave();
  owner_.reset();
  Call([] {
    if (SPI_finish() != SPI_OK_FINISH) elog(ERROR, "latchkey: SPI_finish failed");
  });
  MemoryContextSwitchTo(caller_);
}

void Spi::Prepare(Statement& statement, const Param* params, size_t count) {
  Oid types[kMaxParams];
  for (size_t i = 0; i < count; ++i) types[i] = params[i].type;
  const char* sql = statement.sql_;
  Oid* type_array = types;
  const int type_count = static_cast<int>(count);
  const int options =
      statement.planning_ == Statement::kCustom ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN;
  statement.plan_ = Call([=] {
    SPIPlanPtr plan = SPI_prepare_cursor(sql, type_count, type_array, options);
    if (plan == nullptr || SPI_keepplan(plan) != 0) {
      elog(ERROR, "latchkey: a statement could not be prepared: %s",
           SPI_result_code_string(SPI_result));
    }
    return plan;
  });
}

Rows Spi::Execute(Statement& statement, const Param* params, size_t count, bool read_only,
                  bool latest) {
  if (count > kMaxParams) throw std::length_error("too many parameters");
  Connect();
  if (statement.plan_ == nullptr) Prepare(statement, params, count);
  Datum values[kMaxParams];
  char nulls[kMaxParams];
  for (size_t i = 0; i < count; ++i) {
    values[i] = params[i].value;
    nulls[i] = params[i].is_null ? 'n' : ' ';
  }
  SPIPlanPtr plan = statement.plan_;
  Datum* value_array = values;
  const char* null_array = nulls;
  const IndexesOnly scope(statement.planning_ == Statement::kIndexed);
  Call([=] {
    // Without a snapshot of ours SPI takes a new one, except at the levels that keep one per
    // transaction.
    const Snapshot snapshot = latest && IsolationUsesXactSnapshot() && !IsInParallelMode()
                                  ? GetLatestSnapshot()
                                  : InvalidSnapshot;
    const int status = SPI_execute_snapshot(plan, value_array, null_array, snapshot,
                                            InvalidSnapshot, read_only, true, 0);
    if (status < 0) elog(ERROR, "latchkey: SPI failed: %s", SPI_result_code_string(status));
  });
  affected_ = SPI_processed;
  return {SPI_tuptable, SPI_tuptable == nullptr ? 0 : SPI_processed};
}

void RequireWritable(const char* what) {
  Call([=] { PreventCommandIfReadOnly(what); });
}

bool MayWriteAside(const char* table) {
  if (XactReadOnly || RecoveryInProgress() || IsInParallelMode() || IsolationIsSerializable()) {
    return false;
  }
  const Oid schema = SchemaOid();
  return Call([=] {
    const Oid relation = get_relname_relid(table, schema);
    return OidIsValid(relation) && ConditionalLockRelationOid(relation, RowExclusiveLock);
  });
}

}  // namespace latchkey::pg
