// What all reading past the executor shares. For files of extension/pg/ alone.
#pragma once

#include "extension/pg/server.hpp"

extern "C" {
#include "access/genam.h"
#include "access/tableam.h"
#include "commands/extension.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace latchkey::pg {

// An ordinary table that lies here: Citus keeps an empty one in place of those that it distributes.
inline bool IsLocal(Relation table) {
  return table->rd_rel->relkind == RELKIND_RELATION &&
         !OidIsValid(get_extension_oid("citus", true));
}

inline IndexScanDesc BeginScan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
  return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

}  // namespace latchkey::pg
