// Writing connection strings.
#include "gateway/tenants/database_address.hpp"

#include <set>

#include "gateway/http/public_host.hpp"

namespace latchkey {
namespace {

struct Guard {
  const char* keyword;
  const char* value;
};

// A file that can't be there.
constexpr char kNoFile[] = "/dev/null/none";

// What libpq would else take from this machine's environment, service file or home directory, and
// show to a server that is not ours, or do at its wish: passwords, certificates, Kerberos tickets.
// What this machine demands of servers (CAs, TLS versions) stays.
constexpr Guard kGuards[] = {
    {"passfile", kNoFile},
    {"sslcert", kNoFile},
    {"sslkey", kNoFile},
    {"sslpassword", ""},
    {"sslcertmode", "disable"},
    {"gssencmode", "disable"},
    {"gssdelegation", "0"},
    {"gsslib", ""},
    {"krbsrvname", "postgres"},
    {"options", ""},
    {"requirepeer", ""},
    {"channel_binding", "prefer"},
    {"target_session_attrs", "any"},
    {"load_balance_hosts", "disable"},
    {"sslnegotiation", "postgres"},
};

// Which of them there are depends on the library's version.
bool LibpqKnows(const char* keyword) {
  static const std::set<std::string> known = [] {
    std::set<std::string> keywords;
    PQconninfoOption* options = PQconndefaults();
    for (const PQconninfoOption* option = options; option && option->keyword; ++option) {
      keywords.insert(option->keyword);
    }
    PQconninfoFree(options);
    return keywords;
  }();
  return known.count(keyword) != 0;
}

void Append(std::string& text, const char* keyword, const std::string& value) {
  text += (text.empty() ? "" : " ") + std::string(keyword) + "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  text += '\'';
}

void AppendGuards(std::string& text, const std::string& sslmode) {
  for (const Guard& guard : kGuards) {
    if (LibpqKnows(guard.keyword)) Append(text, guard.keyword, guard.value);
  }
  if (!LibpqKnows("require_auth")) return;
  const bool encrypted = sslmode == "require" || sslmode.rfind("verify-", 0) == 0;
  Append(text, "require_auth",
         std::string(encrypted ? "password," : "") + "md5,scram-sha-256,none");
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

std::string WriteConnectionString(const DatabaseAddress& address, const std::string& hostaddr) {
  std::string text;
  Append(text, "host", address.host);
  // Also when it is empty: PGHOSTADDR and PGPASSWORD are not meant for a tenant's database.
  Append(text, "hostaddr", hostaddr);
  Append(text, "password", address.password);
  Append(text, "port", address.port);
  Append(text, "dbname", address.database);
  Append(text, "user", address.user);
  Append(text, "sslmode", address.sslmode);
  if (!address.trusted) AppendGuards(text, address.sslmode);
  return text;
}

ConnectionString MakeConnectionString(const DatabaseAddress& address) {
  if (address.trusted) return {WriteConnectionString(address, ""), ""};
  const ResolvedHost resolved = ResolvePublicHost(address.host, {});
  if (resolved.address.empty()) return {"", resolved.error};
  // What was looked at is what is connected to; the name is for the certificate.
  return {WriteConnectionString(address, resolved.address), ""};
}

}  // namespace latchkey
