// The eras of the event log, cached, and opening a new one.
#include "extension/events/eras.hpp"

#include "extension/pg/advisory_slot.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::events {

namespace {

struct Last {
  int32_t era = 0;
  pg::ClusterIdentity cluster;
  uint64_t first_xid = 0;
  int32_t era_elsewhere = 0;  // the last one of another cluster
};

constexpr uint64_t kOpeningLock = 0x6572610000000000;  // "era"

pg::TableCache cache("event_eras");
Last last;

void Load(pg::Spi& spi) {
  static pg::Statement statement(
      "SELECT era, system_identifier, timeline, first_xid FROM latchkey.event_eras ORDER BY era");
  const int64_t here = pg::ThisCluster().system_identifier;
  last = {};
  cache.Reload(spi, statement, [here](const pg::Row& row) {
    last.era = row.Get<int32_t>(1);
    last.cluster = {row.Get<int64_t>(2), row.Get<int32_t>(3)};
    last.first_xid = static_cast<uint64_t>(row.Get<int64_t>(4));
    if (last.cluster.system_identifier != here) last.era_elsewhere = last.era;
  });
}

bool IsOf(const pg::ClusterIdentity& cluster) {
  return last.era > 0 && last.cluster.system_identifier == cluster.system_identifier &&
         last.cluster.timeline == cluster.timeline;
}

}  // namespace

// One transaction opens the era. Who records meanwhile uses its number and waits for nobody: should
// the opening be undone, the next one opens the same era, and the feed shows nothing of it before.
int32_t EraForWriting(pg::Spi& spi) {
  static pg::Statement open(R"(
    INSERT INTO latchkey.event_eras (era, system_identifier, timeline, first_xid, began_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (era) DO NOTHING)");
  if (!cache.IsFresh()) Load(spi);
  const pg::ClusterIdentity cluster = pg::ThisCluster();
  if (IsOf(cluster)) return last.era;
  const int32_t era = last.era + 1;
  pg::AdvisorySlot opening(pg::AdvisorySlot::Reach::kDatabase, kOpeningLock,
                           static_cast<uint16_t>(era));
  if (opening.TryAcquire()) {
    spi.RunLatest(open, era, cluster.system_identifier, cluster.timeline, pg::TopTransactionXid(),
                  pg::Now());
  }
  return era;
}

Horizon FindHorizon(pg::Spi& spi) {
  if (!cache.IsFresh()) Load(spi);
  Horizon horizon;
  horizon.complete_era = last.era_elsewhere;
  horizon.running = last.era > last.era_elsewhere;
  horizon.era = horizon.running ? last.era : last.era + 1;
  horizon.first_xid = last.first_xid;
  return horizon;
}

// Later eras of one cluster begin with higher transaction ids than all that the ones before had
// assigned: when everything before the era's first is over, only the era's own can be missing.
std::optional<EventPosition> EndOf(const Horizon& horizon, uint64_t oldest_xid) {
  if (!horizon.running) return EventPosition{horizon.era, 0, Uuid{}};
  if (oldest_xid <= horizon.first_xid) return std::nullopt;
  return EventPosition{horizon.era, oldest_xid, Uuid{}};
}

}  // namespace latchkey::events
