// Contents of a small table kept in a backend, and right again at the next statement after a
// change.
//
// A change of the table sends the server's own relation-cache invalidation (see the trigger
// latchkey._invalidate), which reaches every backend, standbys' too, at commit. Here it clears a
// flag.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::pg {

class TableCache {
 public:
  constexpr explicit TableCache(const char* table) : table_(table) {}
  TableCache(const TableCache&) = delete;
  TableCache& operator=(const TableCache&) = delete;

  // True when what was loaded still holds.
  bool IsFresh();

  // Reads the table through `statement` with a snapshot of now: an older one could miss a change
  // whose invalidation has already been consumed, and the stale copy would never be noticed.
  template <typename Load>
  void Reload(Spi& spi, Statement& statement, Load&& load) {
    const bool pushed = BeginReload();
    const Rows rows = spi.Read(statement);
    for (uint64_t i = 0; i < rows.size(); ++i) load(rows[i]);
    EndReload(pushed);
  }

  // For a table that is too large to be read whole: from here on IsFresh() tells whether anything
  // changed, and what ReadKey reads may be kept for as long.
  void Watch() { EndReload(BeginReload()); }
  template <typename Load, typename... Ts>
  void ReadKey(Spi& spi, Statement& statement, Load&& load, const Ts&... key) {
    const bool pushed = PushLatest();
    const Rows rows = spi.Read(statement, key...);
    for (uint64_t i = 0; i < rows.size(); ++i) load(rows[i]);
    PopLatest(pushed);
  }

 private:
  friend void OnRelationChanged(Datum, Oid relation);
  friend void OnTransactionEnd(XactEvent, void*);

  bool PushLatest();
  static void PopLatest(bool pushed);
  bool BeginReload();
  void EndReload(bool pushed);
  void Register();

  const char* table_;
  Oid relation_ = InvalidOid;
  bool fresh_ = false;
  bool unchanged_ = false;  // since the running reload began
  bool this_transaction_only_ = false;
  bool registered_ = false;
};

// Tells every backend that the table changed; takes effect at commit.
void AnnounceChange(Oid relation);

}  // namespace latchkey::pg
