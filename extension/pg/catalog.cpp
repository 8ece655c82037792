// Catalogue look-ups.
#include "extension/pg/catalog.hpp"

#include "extension/core/error.hpp"
#include "extension/pg/fence.hpp"

extern "C" {
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
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

Oid TableOid(const char* name) {
  const Oid schema = SchemaOid();
  return Call([=] { return get_relname_relid(name, schema); });
}

bool CallerHasRole(const char* role) {
  return Call([=] {
    const Oid oid = get_role_oid(role, true);
    return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid);
  });
}

namespace {

// The last answers, by function: a role that may do a thing does it again and again.
struct Permitted {
  Oid function = InvalidOid;
  Oid user = InvalidOid;
  bool may = false;
};
Permitted permitted[64];

void ForgetPermitted(Datum, int, uint32) {
  for (Permitted& entry : permitted) entry = {};
}

void WatchGrants() {
  static bool registered = false;
  if (registered) return;
  Call([] {
    CacheRegisterSyscacheCallback(PROCOID, ForgetPermitted, 0);
    CacheRegisterSyscacheCallback(AUTHOID, ForgetPermitted, 0);
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, ForgetPermitted, 0);
  });
  registered = true;
}

bool HasOtherGrant(Oid function, Oid user) {
  const Oid gateway = get_role_oid("latchkey_gateway", true);
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  bool is_null = false;
  bool may = false;
  const Datum datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proacl, &is_null);
  if (!is_null) {
    const Acl* acl = DatumGetAclP(datum);
    const AclItem* items = ACL_DAT(acl);
    for (int i = 0; i < ACL_NUM(acl) && !may; ++i) {
      may = items[i].ai_grantee != ACL_ID_PUBLIC && items[i].ai_grantee != gateway &&
            (ACLITEM_GET_PRIVS(items[i]) & ACL_EXECUTE) != 0 &&
            has_privs_of_role(user, items[i].ai_grantee);
    }
  }
  ReleaseSysCache(tuple);
  return may;
}

}  // namespace

bool CallerMayExecute(Oid function) {
  WatchGrants();
  const Oid user = GetUserId();
  Permitted& entry = permitted[function % std::size(permitted)];
  if (entry.function == function && entry.user == user) return entry.may;
  const bool may = Call([=] { return HasOtherGrant(function, user); });
  entry = {function, user, may};
  return may;
}

}  // namespace latchkey::pg
