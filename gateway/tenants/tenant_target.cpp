// From the row of a connection to what libpq connects with.
#include "gateway/tenants/tenant_target.hpp"

#include <cstdlib>

#include "gateway/work/public_address.hpp"

namespace latchkey {
namespace {

void Add(std::string& url, const char* name, const std::string& value) {
  url += (url.empty() ? "" : " ") + std::string(name) + "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') url += '\\';
    url += c;
  }
  url += "'";
}

}  // namespace

TenantDatabase ReadTenantDatabase(const PGresult* rows, const TrustedProxies& allowed) {
  const auto text = [rows](int column) { return std::string(PQgetvalue(rows, 0, column)); };
  const std::string host = text(0);
  TenantDatabase database;
  std::string& url = database.target.url;
  Add(url, "host", host);
  if (text(6) != "t") {
    const ResolvedHost resolved = ResolvePublicHost(host, allowed);
    database.error = resolved.error;
    Add(url, "hostaddr", resolved.address);
  }
  Add(url, "port", text(1));
  Add(url, "dbname", text(2));
  Add(url, "user", text(3));
  if (!text(4).empty()) Add(url, "password", text(4));
  Add(url, "sslmode", text(5));
  database.target.tenant = text(10);
  database.target.version = std::atoll(PQgetvalue(rows, 0, 7));
  database.target.server = host + ":" + text(1);
  database.template_name = text(8);
  database.ready = text(9) == "t";
  return database;
}

}  // namespace latchkey
