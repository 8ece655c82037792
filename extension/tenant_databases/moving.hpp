// What a move does to the row of a tenant's database.
#pragma once

#include "extension/tenant_databases/store.hpp"

namespace latchkey::tenant_databases {

// Of a locked row. other_server: where the second copy is; none when the move is over. moving:
// whether the database refuses writes because of it.
void NoteMove(pg::Spi& spi, const Uuid& tenant_id, const std::optional<std::string>& other_server,
              bool moving);

// From the end of the transaction on the database is there, as another version.
void UseOtherCopy(pg::Spi& spi, const Uuid& tenant_id, const std::string& server,
                  std::string_view sealed_connection, const std::string& other_server);

}  // namespace latchkey::tenant_databases
