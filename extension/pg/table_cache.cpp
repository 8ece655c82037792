// Invalidation of cached tables.
#include "extension/pg/table_cache.hpp"

#include <array>
#include <stdexcept>

#include "extension/pg/catalog.hpp"

extern "C" {
#include "access/parallel.h"
#include "utils/inval.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
}

namespace latchkey::pg {

namespace {
std::array<TableCache*, 16> caches{};
size_t cache_count = 0;
}  // namespace

void OnRelationChanged(Datum, Oid relation) {
  for (size_t i = 0; i < cache_count; ++i) {
    TableCache* cache = caches[i];
    if (relation == InvalidOid || relation == cache->relation_) {
      cache->fresh_ = cache->unchanged_ = false;
    }
  }
}

void OnTransactionEnd(XactEvent event, void*) {
  if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT) return;
  for (size_t i = 0; i < cache_count; ++i) {
    if (caches[i]->this_transaction_only_) caches[i]->fresh_ = false;
  }
}

void TableCache::Register() {
  if (registered_) return;
  if (cache_count == caches.size()) throw std::logic_error("latchkey: too many cached tables");
  if (cache_count == 0) {
    Call([] {
      CacheRegisterRelcacheCallback(OnRelationChanged, 0);
      RegisterXactCallback(OnTransactionEnd, nullptr);
    });
  }
  caches[cache_count++] = this;
  registered_ = true;
}

bool TableCache::IsFresh() {
  if (!fresh_) return false;
  // Consume what other backends have sent: a transaction that runs long must see it too.
  Call([] { AcceptInvalidationMessages(); });
  return fresh_;
}

bool TableCache::BeginReload() {
  Register();
  relation_ = TableOid(table_);
  const bool pushed = PushLatest();
  this_transaction_only_ = !pushed;
  fresh_ = false;  // until the end is reached
  unchanged_ = true;
  return pushed;
}

void TableCache::EndReload(bool pushed) {
  PopLatest(pushed);
  // Not when a change arrived while we read, and never after an error: then this line is not
  // reached.
  fresh_ = unchanged_;
}

// In parallel mode no new snapshot may be taken; what the older one shows is kept for this
// transaction only.
bool TableCache::PushLatest() {
  if (IsInParallelMode()) {
    this_transaction_only_ = true;
    return false;
  }
  Call([] { PushActiveSnapshot(GetLatestSnapshot()); });
  return true;
}

void TableCache::PopLatest(bool pushed) {
  if (pushed) Call([] { PopActiveSnapshot(); });
}

void AnnounceChange(Oid relation) {
  Call([=] { CacheInvalidateRelcacheByRelid(relation); });
}

}  // namespace latchkey::pg
