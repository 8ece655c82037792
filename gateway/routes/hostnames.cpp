// Routes of the module `hostnames`: a tenant's hostnames and the proof that they are its own.
#include "gateway/routes/tenant_argument.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxHostname = 253;

Argument HostnameInPath() {
  return PathPart("hostname", Type::kText, kMaxHostname, "The hostname.");
}

Route ListHostnames() {
  return ForTenant("GET", "/api/tenants/{id}/hostnames", "listHostnames", "hostnames")
      .Summary("The tenant's hostnames, by name. Needs hostnames.read in it.")
      .Reads("SELECT coalesce(json_agg(h), '[]') FROM latchkey.list_hostnames($1::uuid) AS h")
      .Returns("hostnames", "TenantHostname", true);
}

Route AddHostname() {
  return ForTenant("POST", "/api/tenants/{id}/hostnames", "addHostname", "hostnames")
      .Summary(
          "Claims a hostname, and answers the DNS record that proves it. Needs hostnames.write in "
          "the tenant.")
      .Writes("SELECT row_to_json(h) FROM latchkey.add_hostname($1::uuid, $2) AS h")
      .Takes(BodyField("hostname", Type::kText, kRequired, kMaxHostname,
                       "Such as shop.example.com, also with letters of any script."))
      .Returns("hostname", "TenantHostname")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

Route RemoveHostname() {
  return ForTenant("DELETE", "/api/tenants/{id}/hostnames/{hostname}", "removeHostname",
                   "hostnames")
      .Summary(
          "Gives a hostname up: it leads nowhere at once. Needs hostnames.write in the tenant.")
      .Writes("SELECT null::json FROM latchkey.remove_hostname($1::uuid, $2)")
      .Takes(HostnameInPath())
      .Message("Hostname removed");
}

Route VerifyHostname() {
  return ForTenant("POST", "/api/tenants/{id}/hostnames/{hostname}/verify", "verifyHostname",
                   "hostnames")
      .Summary(
          "Has the DNS record looked up, by the worker, at most once a minute; the list of "
          "hostnames then tells what it found. Needs hostnames.write in the tenant.")
      .Writes("SELECT row_to_json(h) FROM latchkey.verify_hostname($1::uuid, $2) AS h")
      .Takes(HostnameInPath())
      .Returns("hostname", "TenantHostname")
      .Status(202);
}

Route SetPrimaryHostname() {
  return ForTenant("POST", "/api/tenants/{id}/hostnames/{hostname}/primary", "setPrimaryHostname",
                   "hostnames")
      .Summary(
          "Makes a verified hostname the one under which the tenant wants to be known. Needs "
          "hostnames.write in it.")
      .Writes("SELECT row_to_json(h) FROM latchkey.set_primary_hostname($1::uuid, $2) AS h")
      .Takes(HostnameInPath())
      .Returns("hostname", "TenantHostname")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> HostnameRoutes() {
  return {ListHostnames(), AddHostname(), RemoveHostname(), VerifyHostname(), SetPrimaryHostname()};
}

}  // namespace latchkey
