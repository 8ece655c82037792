// Where a database of a tenant is, as the main database says, and the connection string to it: the
// only way to one.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <string>

namespace latchkey {

struct DatabaseAddress {
  std::string host, port, database, user, sslmode;
  std::string password;  // never logged
  // The platform's administrators gave it. Else it may lead to public addresses only, and what this
  // machine keeps for libpq (passwords, certificates, tickets) is not for it.
  bool trusted = true;

  // Tenants on one server share its fate.
  std::string Server() const { return host + ":" + port; }
};

// The columns that ReadAddress() reads, of a jsonb as in latchkey.tenant_connection.
#define LATCHKEY_ADDRESS_COLUMNS(c)                                             \
  c " ->> 'host', " c " ->> 'port', " c " ->> 'database', " c " ->> 'user', " c \
    " ->> 'sslmode', " c " ->> 'password'"
inline constexpr int kAddressColumns = 6;
DatabaseAddress ReadAddress(const PGresult* rows, int row, int first_column, bool trusted);

// What the server of a tenant's database may send in one transaction of ours.
inline constexpr uint64_t kMaxTenantAnswerBytes = uint64_t{8} << 20;

struct ConnectionString {
  std::string text;   // holds the password; empty: there is none
  std::string error;  // then, why
};

// The string alone. `hostaddr`: the address that the host stands for; empty: libpq looks it up.
std::string WriteConnectionString(const DatabaseAddress& address, const std::string& hostaddr);

// May wait for the resolver, when the address is not trusted.
ConnectionString MakeConnectionString(const DatabaseAddress& address);

}  // namespace latchkey
