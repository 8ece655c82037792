// Databases and login roles of tenants on the platform's servers: made, equipped, looked at,
// dropped.
#pragma once

#include <optional>
#include <string>

#include "gateway/db/connection.hpp"
#include "gateway/tenants/database_address.hpp"
#include "gateway/tenants/template.hpp"

namespace latchkey {

// Each of these may be repeated at any time, whatever ended it before, and answers with what went
// wrong, if anything did. They wait; to end that, cancel the connection's statement.
using MakerFailure = std::optional<SqlError>;

// The role and the database of `wanted`, which the role owns and nobody else may connect to, by a
// role with CREATEDB and CREATEROLE. The password must be random: the server is sent a SCRAM
// verifier of one iteration. locale: options of CREATE DATABASE; empty: the server's own.
MakerFailure CreateTenantDatabase(PgConnection& server, const DatabaseAddress& wanted,
                                  const std::string& locale = "");

// The extension, in its newest version, with what latchkey_app may do for the role, but in this
// database only: membership would reach into every database of the server. `connection`: to the
// tenant's database, by the server's role. Nothing is done when the server lacks the extension,
// that role is no superuser, or the tenant has installed itself what the extension requires.
MakerFailure InstallExtension(PgConnection& connection, const std::string& role);

// Whether the template, if there is one, is there up to its last file, and the database can be
// written. `connection`: by the tenant's role.
MakerFailure VerifyDatabase(PgConnection& connection, const Template* source);

// The database, with whoever is connected, and the role. Refused when the database belongs to
// somebody else.
MakerFailure DropTenantDatabase(PgConnection& server, const DatabaseAddress& former);

}  // namespace latchkey
