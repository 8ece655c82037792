// Noting that a tenant's database moves, and where it is from now on.
#include "extension/tenant_databases/moving.hpp"

namespace latchkey::tenant_databases {

void NoteMove(pg::Spi& spi, const Uuid& tenant_id, const std::optional<std::string>& other_server,
              bool moving) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases SET other_server = $2, moving = $3, updated_at = $4
     WHERE tenant_id = $1)");
  spi.RunLatest(statement, tenant_id, other_server, moving, pg::Now());
}

void UseOtherCopy(pg::Spi& spi, const Uuid& tenant_id, const std::string& server,
                  std::string_view sealed_connection, const std::string& other_server) {
  static pg::Statement statement(R"(
    UPDATE latchkey.tenant_databases
       SET server = $2, sealed_connection = $3, other_server = $4, moving = false,
           connection_version = connection_version + 1, healthy = true, checked_at = $5,
           updated_at = $5
     WHERE tenant_id = $1)");
  spi.RunLatest(statement, tenant_id, server, pg::Bytes{sealed_connection}, other_server,
                pg::Now());
}

}  // namespace latchkey::tenant_databases
