// Object ids of the extension's own schema, looked up once and kept until the catalogue changes.
#pragma once

#include "extension/pg/server.hpp"

namespace latchkey::pg {

Oid SchemaOid();                       // of schema latchkey
Oid OwnerRole();                       // owner of the schema
Oid TypeOid(const char* name);         // of a composite type of the schema
Oid TableOid(const char* name);        // of a table of the schema; invalid when there is none
bool CallerHasRole(const char* role);  // the current user is a member of it, or a superuser

// Whether the current user may execute the function by another grant than latchkey_gateway's, whose
// members act for whoever is bound and for nobody else.
bool CallerMayExecute(Oid function);

}  // namespace latchkey::pg
