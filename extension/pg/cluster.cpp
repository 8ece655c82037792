// Reading the cluster's identity and the transaction's id.
#include "extension/pg/cluster.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xlog.h"
}

namespace latchkey::pg {

FullXid TopTransactionXid() {
  return {Call([] { return U64FromFullTransactionId(GetTopFullTransactionId()); })};
}

ClusterIdentity ThisCluster() {
  return Call([] {
    ClusterIdentity cluster;
    cluster.system_identifier = static_cast<int64_t>(GetSystemIdentifier());
    if (!RecoveryInProgress()) {
#if PG_VERSION_NUM >= 150000
      cluster.timeline = static_cast<int32_t>(GetWALInsertionTimeLine());
#else
      cluster.timeline = static_cast<int32_t>(ThisTimeLineID);
#endif
    }
    return cluster;
  });
}

}  // namespace latchkey::pg
