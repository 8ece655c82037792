// Writing connection strings.
#include "gateway/tenants/database_address.hpp"

#include "gateway/work/public_address.hpp"

namespace latchkey {
namespace {

void Append(std::string& text, const char* keyword, const std::string& value) {
  text += (text.empty() ? "" : " ") + std::string(keyword) + "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  text += '\'';
}

}  // namespace

DatabaseAddress ReadAddress(const PGresult* rows, int row, int first_column, bool trusted) {
  const auto text = [&](int column) {
    return std::string(PQgetvalue(rows, row, first_column + column));
  };
  DatabaseAddress address;
  address.host = text(0);
  address.port = text(1);
  address.database = text(2);
  address.user = text(3);
  address.sslmode = text(4);
  address.password = text(5);
  address.trusted = trusted;
  return address;
}

ConnectionString MakeConnectionString(const DatabaseAddress& address) {
  std::string text;
  Append(text, "host", address.host);
  if (!address.trusted) {
    const ResolvedHost resolved = ResolvePublicHost(address.host, {});
    if (resolved.address.empty()) return {"", resolved.error};
    // What was looked at is what is connected to; the name is for the certificate.
    Append(text, "hostaddr", resolved.address);
    // A file that can't be there: no password of this machine's goes to somebody else's server.
    Append(text, "passfile", "/dev/null/none");
    Append(text, "gssencmode", "disable");
  }
  Append(text, "port", address.port);
  Append(text, "dbname", address.database);
  Append(text, "user", address.user);
  Append(text, "sslmode", address.sslmode);
  // Also when it is empty: PGPASSWORD is not meant for it.
  Append(text, "password", address.password);
  return {text, ""};
}

}  // namespace latchkey
