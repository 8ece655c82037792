// Which cluster this is, and which transaction: what transaction ids mean.
#pragma once

#include "extension/pg/datum.hpp"

namespace latchkey::pg {

// A transaction id with its epoch: it never wraps around. Read one from a row as int64_t.
struct FullXid {
  uint64_t value = 0;
};
inline Param ToParam(FullXid xid) { return {XID8OID, UInt64GetDatum(xid.value), false}; }

// Assigns one when there is none yet, and so fails in a read-only transaction.
FullXid TopTransactionXid();

// A logical copy of the database lives in a cluster with another identifier. The timeline rises
// with each promotion and each recovery to a point in time, and is 0 on a standby.
struct ClusterIdentity {
  int64_t system_identifier = 0;
  int32_t timeline = 0;
};
ClusterIdentity ThisCluster();

}  // namespace latchkey::pg
