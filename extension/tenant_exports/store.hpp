// Rows of latchkey.tenant_exports.
#pragma once

#include "extension/tenant_databases/store.hpp"

namespace latchkey::tenant_exports {

inline constexpr char kExportJob[] = "latchkey.export_tenant";
inline constexpr char kWrite[] = "tenant_databases.write";
inline constexpr char kRead[] = "tenant_databases.read";

// The columns of latchkey.tenant_export.
#define LATCHKEY_TENANT_EXPORT_COLUMNS                                                   \
  "tenant_id, id, job_id, status, error, file_name, host, bytes, sha256, requested_at, " \
  "finished_at"
inline constexpr int kExportColumns = 11;

std::vector<pg::Value> LoadExport(pg::Spi& spi, const Uuid& tenant_id, const Uuid& id);

// A job that writes, or removes, the one that names it.
Uuid EnqueueExport(pg::Spi& spi, const Uuid& tenant_id);

}  // namespace latchkey::tenant_exports
