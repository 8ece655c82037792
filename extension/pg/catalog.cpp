// Catalogue look-ups.
#include "extension/pg/catalog.hpp"

#include "extension/core/error.hpp"
#include "extension/pg/fence.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace latchkey::pg {

namespace {

Oid schema_oid = InvalidOid;
Oid owner_oid = InvalidOid;

void Forget(Datum, int, uint32) {
  schema_oid = InvalidOid;
  owner_oid = InvalidOid;
}

void LookUpSchema() {
  static bool registered = false;
  if (!registered) {
    Call([] { CacheRegisterSyscacheCallback(NAMESPACEOID, Forget, 0); });
    registered = true;
  }
  Call([] {
    HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("latchkey"));
    if (!HeapTupleIsValid(tuple)) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                      errmsg("extension \"latchkey\" is not installed in this database")));
    }
    const auto* form = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple));
    schema_oid = form->oid;
    owner_oid = form->nspowner;
    ReleaseSysCache(tuple);
  });
}

}  // namespace

Oid SchemaOid() {
  if (!OidIsValid(schema_oid)) LookUpSchema();
  return schema_oid;
}

Oid OwnerRole() {
  if (!OidIsValid(owner_oid)) LookUpSchema();
  return owner_oid;
}

Oid TypeOid(const char* name) {
  const Oid schema = SchemaOid();
  return Call([=] {
    return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
                           ObjectIdGetDatum(schema));
  });
}

bool CallerHasRole(const char* role) {
  return Call([=] {
    const Oid oid = get_role_oid(role, true);
    return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid);
  });
}

}  // namespace latchkey::pg
