// Copying a tenant's database to a new one, by dumps.
#pragma once

#include <string>
#include <vector>

#include "gateway/tenants/dump_programs.hpp"

namespace latchkey {

// The extensions of a database that its role could not make.
struct ForeignExtensions {
  bool has_latchkey = false;
  std::string version;             // of latchkey
  std::vector<std::string> names;  // all of them
};

// `connection`: to the database, by the server's role. Fails when there are others than those that
// come with latchkey: nobody would make them in the copy.
MakerFailure LookAtExtensions(PgConnection& connection, const std::string& role,
                              ForeignExtensions& found);

// Whether InstallExtension() would install latchkey in that version.
MakerFailure RequireExtension(PgConnection& server, const std::string& version);

// Master keys that have sealed what the extension holds; both must have the same.
MakerFailure ReadKeyUsage(PgConnection& connection, std::string& usage);

// What makes a copy sort and compare texts as the database does, for CreateTenantDatabase():
// another locale would change what is unique, in which order it is, and what lower() does.
MakerFailure ReadLocale(PgConnection& source_server, const DatabaseAddress& source,
                        PgConnection& target_server, std::string& options);

struct CopyAddresses {
  DatabaseAddress source_administration, source_reader;  // both of the source's database
  DatabaseAddress target_administration, target;
};

// What the tenant may have made is dumped by its reader and restored by its role, which may do no
// more than the tenant; what the extension holds by the servers' roles, without privileges, which
// installing the extension gives.
MakerFailure DumpForCopy(const DumpPrograms& programs, const CopyAddresses& addresses,
                         const ForeignExtensions& extensions, const std::string& tenant_file,
                         const std::string& extension_file);

// list_file: is written, and tells pg_restore what to leave out.
MakerFailure RestoreCopy(const DumpPrograms& programs, const CopyAddresses& addresses,
                         const ForeignExtensions& extensions, const std::string& tenant_file,
                         const std::string& extension_file, const std::string& list_file);

// Settings of the database and of its role, which no dump has: read on the source's server,
// made by the tenant's role. Also gathers statistics.
MakerFailure FinishCopy(PgConnection& source_server, const DatabaseAddress& source,
                        PgConnection& target, const DatabaseAddress& copy);

}  // namespace latchkey
