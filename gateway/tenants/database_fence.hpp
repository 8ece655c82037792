// Closing a tenant's database while it is copied, and opening it again.
#pragma once

#include "gateway/tenants/database_maker.hpp"

namespace latchkey {

// By a role with CREATEDB and CREATEROLE, connected to the server's own database. Each may be
// repeated at any time.

// A login role that reads what the tenant's role may read, so that whatever code of the tenant's is
// run on the way (casts, expressions of indexes) has no more rights than the tenant.
MakerFailure MakeReader(PgConnection& server, const DatabaseAddress& database,
                        const DatabaseAddress& reader);

// New sessions only read, unless they insist: whoever writes nevertheless is found out by
// comparing after Close(). Sessions that were there are ended.
MakerFailure RefuseWrites(PgConnection& server, const DatabaseAddress& database,
                          const std::string& reader);

// The tenant's role gets in no more, and nobody but the reader and superusers is in. Refused while
// there are prepared transactions, or superusers' that have written: they could be committed later.
MakerFailure CloseDatabase(PgConnection& server, const DatabaseAddress& database,
                           const std::string& reader);

// Takes back all of the above.
MakerFailure ReopenDatabase(PgConnection& server, const DatabaseAddress& database,
                            const std::string& reader);

// Whether two servers are one: what is made on one must not be taken for the other's.
MakerFailure RequireDifferentServers(PgConnection& one, PgConnection& other);

}  // namespace latchkey
