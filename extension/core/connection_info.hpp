// Where a tenant's database is, and how to get in: checked, and in one spelling.
#pragma once

#include <string>
#include <string_view>

namespace latchkey {

struct ConnectionInfo {
  std::string host;  // a name or an address; a folder with a socket begins with '/'
  int port = 5432;
  std::string database;
  std::string user;
  std::string password;  // may be empty
  std::string sslmode = "prefer";

  // A JSON object with the members host, port, database, user, password, sslmode. It holds the
  // password: keep it in a Secret.
  std::string ToJson() const;
};

// From such an object: database, host and user are required. Throws LK400, without the values.
ConnectionInfo ParseConnection(std::string_view json);

// Throws LK400 for a host that people outside may not name: a socket's folder, this machine, or an
// address that is not public (public_address.hpp). A name may still lead to one, so who connects
// looks again.
void RequirePublicHost(const ConnectionInfo& connection);

}  // namespace latchkey
