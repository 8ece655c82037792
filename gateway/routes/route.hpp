// What a route is: one entry of a table, from which dispatching and the OpenAPI document are made.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gateway/db/pipeline.hpp"
#include "gateway/http/problem.hpp"

namespace latchkey {

enum class Who {
  kPublic,
  kBearer,         // the session of the bearer token is bound to the transaction
  kBearerIsGiven,  // the token is an argument of the statement, which judges it itself
};

enum class Source {
  kBody,
  kRawBody,  // the bytes as they came: what is signed
  kHeader,
  kPath,
  kQuery,
  kIdempotencyKey,  // the header
  kBearer,
  kResetLink,
  kVerifyLink,
  kInvitationLink,
  kJoinLink,
  kHost,   // the header
  kCaller  // on a tenant's database: the user who calls, null for an API key
};
enum class Type {
  kText,
  kEmail,
  kPassword,
  kUuid,
  kTimestamp,
  kInteger,
  kBoolean,
  kObject,
  kTextList,
  kObjectList
};

// Where one parameter ($1, $2 …, in this order) of a route's statement comes from.
struct Argument {
  const char* name;
  Source source;
  Type type;
  bool required;
  // Characters, of each element of a list of texts; of an integer its greatest value, of a list of
  // objects its length.
  size_t max_length;
  const char* description;
};

// A member of the answer beside "success".
struct Member {
  const char* name;
  const char* type;  // string, integer, date-time, uuid, or the name of a schema
  bool is_list;
  bool nullable = false;  // of those that are no schema
};

// How column 1 of the result becomes the answer. It is JSON that PostgreSQL made, and is spliced in
// as it is. A column 2 is an outcome: other than 'ok' it is the code of an error. A column 3 says
// after how many seconds to try again.
enum class Shape {
  kMember,   // {"success":true,"<first member>":<column 1>}
  kMerged,   // {"success":true,<members of the object in column 1>}
  kMessage,  // {"success":true,"message":"…"}
  kPlain,    // column 1 itself
};

enum class BuiltIn { kNone, kHealth, kMetrics, kOpenApi };

struct Route {
  const char* method;
  const char* path;
  const char* operation;
  const char* tag;
  const char* summary = "";
  const char* sql = nullptr;
  Who who = Who::kPublic;
  Access access = Access::kRead;
  bool slow = false;   // hashes a password
  bool mails = false;  // column 1 of each row is a mail for the mail program
  // Column 4 is one, or null. Its link is null while none can go, unless `mails` is set too: then
  // the request fails.
  bool mails_too = false;
  // The answer goes on as server-sent events about the job of column 2 of account 1, after the
  // partial result of column 3.
  bool streams = false;
  bool ignores_bad_token = false;  // a token that is no good is as good as success
  std::vector<Argument> arguments = {};
  Shape shape = Shape::kMessage;
  std::vector<Member> members = {};
  const char* message = "";
  int status = 200;
  std::vector<ErrorId> errors = {};
  const char* cache_control = "no-store";
  const char* content_type = "application/json";
  BuiltIn built_in = BuiltIn::kNone;
  // Runs on the database of the token's tenant, by its template: see dispatch_tenant.cpp. In the
  // statements @ stands for the template's schema. A template without one has no such route.
  const char* tenant_permission = nullptr;
  const char* store_sql = nullptr;
  const char* pos_sql = nullptr;
  // Column 5 is the tenant that a login is for, column 6 its user, and column 7 the token,
  // which is taken back when the tenant's database does not let the user in.
  bool enters_tenant = false;

  Route(const char* method_, const char* path_, const char* operation_, const char* tag_)
      : method(method_), path(path_), operation(operation_), tag(tag_) {}

  Route& Summary(const char* text) { return summary = text, *this; }
  Route& Reads(const char* statement) { return sql = statement, *this; }
  Route& Writes(const char* statement) {
    access = Access::kWrite;
    return sql = statement, *this;
  }
  Route& InTenant(const char* permission, Access kind = Access::kRead) {
    who = Who::kBearer;
    access = kind;
    return tenant_permission = permission, *this;
  }
  Route& Store(const char* statement) { return store_sql = statement, *this; }
  Route& Pos(const char* statement) { return pos_sql = statement, *this; }
  Route& InBoth(const char* statement) { return Store(statement).Pos(statement); }
  Route& EntersTenant() { return enters_tenant = true, *this; }
  Route& As(Who caller) { return who = caller, *this; }
  Route& Slow() { return slow = true, *this; }
  Route& Mails() { return mails = true, *this; }
  Route& MailsToo() { return mails_too = true, *this; }
  Route& Streams() {
    streams = true;
    return Content("text/event-stream");
  }
  Route& IgnoresBadToken() { return ignores_bad_token = true, *this; }
  Route& Takes(Argument argument) { return arguments.push_back(argument), *this; }
  Route& Returns(const char* name, const char* type, bool is_list = false) {
    if (shape == Shape::kMessage) shape = Shape::kMember;
    return members.push_back({name, type, is_list, false}), *this;
  }
  Route& OrNull() { return members.back().nullable = true, *this; }  // the last member
  Route& Merged() { return shape = Shape::kMerged, *this; }
  Route& Plain(const char* schema) {
    shape = Shape::kPlain;
    return members.push_back({"", schema, false, false}), *this;
  }
  Route& Message(const char* text) { return message = text, *this; }
  Route& Status(int code) { return status = code, *this; }
  Route& Fails(std::vector<ErrorId> ids) { return errors = std::move(ids), *this; }
  Route& Cache(const char* value) { return cache_control = value, *this; }
  Route& Content(const char* type) { return content_type = type, *this; }
  Route& Does(BuiltIn what) { return built_in = what, *this; }
};

inline Argument BodyField(const char* name, Type type, bool required, size_t max_length,
                          const char* description) {
  return {name, Source::kBody, type, required, max_length, description};
}
inline Argument PathPart(const char* name, Type type, size_t max_length, const char* description) {
  return {name, Source::kPath, type, true, max_length, description};
}
inline Argument QueryField(const char* name, Type type, size_t max_length,
                           const char* description) {
  return {name, Source::kQuery, type, false, max_length, description};
}
// For what must not happen twice when a client sends it twice.
inline Argument IdempotencyKey() {
  return {
      "Idempotency-Key",
      Source::kIdempotencyKey,
      Type::kText,
      true,
      255,
      "Names this request: when it is sent again, the answer is the first one's, and nothing "
      "happens twice. 1 to 255 visible ASCII characters, a UUID for instance, in quotes or bare."};
}
// The whole body as text, for what is signed.
inline Argument RawBody(size_t max_bytes, const char* description) {
  return {"", Source::kRawBody, Type::kText, true, max_bytes, description};
}
inline Argument Header(const char* name, size_t max_length, const char* description) {
  return {name, Source::kHeader, Type::kText, true, max_length, description};
}
inline Argument HostHeader() { return {"", Source::kHost, Type::kText, true, 0, ""}; }
inline Argument Caller() { return {"", Source::kCaller, Type::kUuid, false, 0, ""}; }
inline Argument BearerToken() { return {"token", Source::kBearer, Type::kText, true, 4096, ""}; }
inline Argument LinkBase(Source source) { return {"", source, Type::kText, true, 0, ""}; }

constexpr bool kRequired = true;
constexpr bool kOptional = false;
constexpr size_t kMaxEmail = 254;
constexpr size_t kMaxPassword = 1024;
constexpr size_t kMaxName = 200;
constexpr size_t kMaxToken = 4096;
constexpr size_t kMaxRoleName = 63;
constexpr size_t kMaxPermission = 100;
constexpr size_t kUuidLength = 36;
constexpr size_t kMaxTimestamp = 40;
constexpr size_t kMaxInteger64 = 9223372036854775807;

// The tables of the modules, and all of them in one.
std::vector<Route> SettingRoutes();
std::vector<Route> EventRoutes();
std::vector<Route> JobRoutes();
std::vector<Route> ScheduleRoutes();
std::vector<Route> AccountRoutes();
std::vector<Route> SessionRoutes();
std::vector<Route> RoleRoutes();
std::vector<Route> ApiKeyRoutes();
std::vector<Route> PlanRoutes();
std::vector<Route> SubscriptionRoutes();
std::vector<Route> UserRoutes();
std::vector<Route> WebhookRoutes();
std::vector<Route> CreditRoutes();
std::vector<Route> CreditAdministrationRoutes();
std::vector<Route> BillingRoutes();
std::vector<Route> TenantRoutes();
std::vector<Route> TenantMemberRoutes();
std::vector<Route> HostnameRoutes();
std::vector<Route> TenantDatabaseRoutes();
std::vector<Route> TenantMoveRoutes();
std::vector<Route> TenantExportRoutes();
std::vector<Route> OnboardingRoutes();
std::vector<Route> TenantUserRoutes();
std::vector<Route> TenantProductRoutes();
std::vector<Route> TenantCustomerRoutes();
std::vector<Route> TenantShopRoutes();
std::vector<Route> TenantStockRoutes();
std::vector<Route> OperationRoutes();
const std::vector<Route>& AllRoutes();

}  // namespace latchkey
