// Building the OpenAPI document.
#include "gateway/routes/openapi.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "gateway/routes/schemas.hpp"
#include "gateway/version.hpp"

namespace latchkey {
namespace {

using Json = nlohmann::ordered_json;

Json Reference(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

bool IsPrimitive(const std::string& type) {
  for (const char* known :
       {"string", "integer", "number", "boolean", "object", "date-time", "uuid"}) {
    if (type == known) return true;
  }
  return false;
}

Json TypeSchema(const std::string& type, bool nullable) {
  if (type == "json") return Json::object();  // any value, null too
  Json schema;
  std::string base = type;
  if (type == "strings") {
    base = "array";
    schema = {{"type", base}, {"items", {{"type", "string"}}}};
  } else if (type.size() > 2 && type.compare(type.size() - 2, 2, "[]") == 0) {
    base = "array";
    schema = {{"type", base}, {"items", Reference(type.substr(0, type.size() - 2))}};
  } else if (!IsPrimitive(type)) {
    schema = Reference(type);
    return nullable ? Json{{"anyOf", Json::array({schema, {{"type", "null"}}})}} : schema;
  } else if (type == "date-time" || type == "uuid") {
    base = "string";
    schema["type"] = base;
    schema["format"] = type;
  } else {
    schema["type"] = base;
  }
  if (nullable) schema["type"] = Json::array({base, "null"});
  return schema;
}

Json ArgumentSchema(const Argument& argument) {
  Json schema;
  const bool nullable = argument.source == Source::kBody && !argument.required;
  switch (argument.type) {
    case Type::kObject:
      schema["type"] = "object";
      break;
    case Type::kBoolean:
      schema["type"] = "boolean";
      break;
    case Type::kInteger:
      schema = {{"type", "integer"},
                {"minimum", argument.source == Source::kBody ? 0 : 1},
                {"maximum", argument.max_length}};
      break;
    case Type::kTextList:
      schema = {
          {"type", "array"},
          {"items", {{"type", "string"}, {"minLength", 1}, {"maxLength", argument.max_length}}}};
      break;
    case Type::kObjectList:
      schema = {
          {"type", "array"}, {"items", {{"type", "object"}}}, {"maxItems", argument.max_length}};
      break;
    case Type::kUuid:
      schema = {{"type", "string"}, {"format", "uuid"}};
      break;
    case Type::kTimestamp:
      schema = {{"type", "string"}, {"format", "date-time"}};
      break;
    default:
      schema["type"] = "string";
      if (argument.type == Type::kEmail) schema["format"] = "email";
      if (argument.type == Type::kPassword) schema["format"] = "password";
      if (argument.required) schema["minLength"] = 1;
      schema["maxLength"] = argument.max_length;
  }
  if (nullable) schema["type"] = Json::array({schema["type"], "null"});
  schema["description"] = argument.description;
  return schema;
}

Json RequestBody(const Route& route) {
  for (const Argument& argument : route.arguments) {
    if (argument.source != Source::kRawBody) continue;
    return {{"required", true},
            {"description", argument.description},
            {"content",
             {{"application/json",
               {{"schema", {{"type", "object"}, {"additionalProperties", true}}}}}}}};
  }
  Json properties = Json::object();
  Json required = Json::array();
  for (const Argument& argument : route.arguments) {
    if (argument.source != Source::kBody) continue;
    properties[argument.name] = ArgumentSchema(argument);
    if (argument.required) required.push_back(argument.name);
  }
  if (properties.empty()) return nullptr;
  Json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  const bool needed = !required.empty();
  if (needed) schema["required"] = required;
  return {{"required", needed}, {"content", {{"application/json", {{"schema", schema}}}}}};
}

// Where a parameter stands; null for what is none.
const char* PlaceOf(Source source) {
  switch (source) {
    case Source::kPath:
      return "path";
    case Source::kQuery:
      return "query";
    case Source::kIdempotencyKey:
    case Source::kHeader:
      return "header";
    default:
      return nullptr;
  }
}

Json Parameters(const Route& route) {
  Json parameters = Json::array();
  for (const Argument& argument : route.arguments) {
    const char* place = PlaceOf(argument.source);
    if (!place) continue;
    Json schema = ArgumentSchema(argument);
    schema.erase("description");
    // Of the key; quotes and escapes around and in it don't count.
    if (argument.source == Source::kIdempotencyKey) schema.erase("maxLength");
    parameters.push_back({{"name", argument.name},
                          {"in", place},
                          {"required", argument.required},
                          {"description", argument.description},
                          {"schema", schema}});
  }
  return parameters;
}

Json SuccessSchema(const Route& route) {
  if (route.shape == Shape::kPlain) {
    const std::string type = route.members[0].type;
    if (type == "text") return {{"type", "string"}};
    if (type == "OpenApi") return {{"type", "object"}};
    return Reference(type);
  }
  Json properties = {{"success", {{"type", "boolean"}, {"const", true}}}};
  Json required = Json::array({"success"});
  for (const Member& member : route.members) {
    Json schema = IsPrimitive(member.type) ? TypeSchema(member.type, member.nullable)
                                           : Reference(member.type);
    if (member.is_list) schema = {{"type", "array"}, {"items", schema}};
    if (member.nullable) schema = {{"anyOf", Json::array({schema, {{"type", "null"}}})}};
    properties[member.name] = schema;
    required.push_back(member.name);
  }
  if (route.shape == Shape::kMessage) {
    properties["message"] = {{"type", "string"}};
    required.push_back("message");
  }
  return {{"type", "object"}, {"required", required}, {"properties", properties}};
}

Json Headers(bool with_retry) {
  Json headers = {
      {"X-Request-Id",
       {{"description", "The request's id, as given or made."}, {"schema", {{"type", "string"}}}}}};
  if (with_retry) {
    headers["Retry-After"] = {{"description", "Seconds to wait before trying again."},
                              {"schema", {{"type", "integer"}}}};
  }
  return headers;
}

// The errors that a route can answer, by status: its own, and those that come with its nature.
std::map<int, std::vector<const ErrorInfo*>> ErrorsOf(const Route& route) {
  std::vector<ErrorId> ids = route.errors;
  if (route.sql) {
    ids.insert(ids.end(), {ErrorId::Unavailable, ErrorId::TooBusy, ErrorId::InternalError});
  }
  if (!route.arguments.empty()) ids.push_back(ErrorId::InvalidArgument);
  if (route.who != Who::kPublic && !route.ignores_bad_token) ids.push_back(ErrorId::InvalidToken);
  if (!RequestBody(route).is_null()) {
    ids.insert(ids.end(), {ErrorId::PayloadTooLarge, ErrorId::UnsupportedMediaType});
  }
  std::map<int, std::vector<const ErrorInfo*>> by_status;
  for (const ErrorId id : ids) {
    const ErrorInfo& info = InfoOf(id);
    auto& list = by_status[info.status];
    bool known = false;
    for (const ErrorInfo* other : list) known = known || other == &info;
    if (!known) list.push_back(&info);
  }
  return by_status;
}

Json Responses(const Route& route) {
  std::string content_type = route.content_type;
  content_type = content_type.substr(0, content_type.find(';'));
  Json responses;
  responses[std::to_string(route.status)] = {
      {"description", route.status == 202 ? "Accepted." : "Success."},
      {"headers", Headers(false)},
      {"content", {{content_type, {{"schema", SuccessSchema(route)}}}}}};
  for (const auto& [status, infos] : ErrorsOf(route)) {
    std::string description;
    for (const ErrorInfo* info : infos) {
      if (!description.empty()) description += "\n";
      description += "- `" + std::string(info->code) + "`: " + info->meaning;
    }
    responses[std::to_string(status)] = {
        {"description", description},
        {"headers", Headers(status == 429 || status == 503)},
        {"content", {{"application/problem+json", {{"schema", Reference("Problem")}}}}}};
  }
  return responses;
}

Json Operation(const Route& route) {
  Json operation = {{"operationId", route.operation},
                    {"tags", Json::array({route.tag})},
                    {"summary", route.summary}};
  const Json parameters = Parameters(route);
  if (!parameters.empty()) operation["parameters"] = parameters;
  const Json body = RequestBody(route);
  if (!body.is_null()) operation["requestBody"] = body;
  Json security = Json::array();
  if (route.who != Who::kPublic) security.push_back({{"bearer", Json::array()}});
  if (route.ignores_bad_token) security.push_back(Json::object());
  operation["security"] = security;
  operation["responses"] = Responses(route);
  return operation;
}

Json Components() {
  Json schemas;
  for (const Schema& schema : AllSchemas()) {
    Json properties;
    Json required = Json::array();
    for (const Property& property : schema.properties) {
      properties[property.name] = TypeSchema(property.type, property.nullable);
      properties[property.name]["description"] = property.description;
      required.push_back(property.name);
    }
    schemas[schema.name] = {{"type", "object"},
                            {"description", schema.description},
                            {"required", required},
                            {"properties", properties}};
  }
  schemas["Problem"]["properties"]["hint"] = {{"type", "string"},
                                              {"description", "What to do about it."}};
  schemas["KeySet"] = {
      {"type", "object"},
      {"description", "A JSON Web Key Set (RFC 7517)."},
      {"required", Json::array({"keys"})},
      {"properties", {{"keys", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}};
  const Json bearer = {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT or API key"}};
  return {{"securitySchemes", {{"bearer", bearer}}}, {"schemas", schemas}};
}

}  // namespace

std::string RenderOpenApi(const std::vector<Route>& routes, const std::string& server_url) {
  Json document = {{"openapi", "3.1.0"},
                   {"info",
                    {{"title", "Latchkey"},
                     {"version", kVersion},
                     {"description",
                      "Accounts, sessions, plans and credits. Successes are `{\"success\": true, "
                      "…}`; errors are problem "
                      "documents with `\"success\": false` and a `code`."},
                     {"license", {{"name", "PostgreSQL"}, {"identifier", "PostgreSQL"}}}}}};
  document["servers"] = Json::array({{{"url", server_url.empty() ? "/" : server_url}}});
  Json tags = Json::array();
  Json paths;
  for (const Route& route : routes) {
    const Json tag = {{"name", route.tag},
                      {"description", "The module " + std::string(route.tag) + "."}};
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
    std::string method = route.method;
    for (char& c : method) c = static_cast<char>(c + 32);  // methods are upper-case letters
    paths[route.path][method] = Operation(route);
  }
  document["tags"] = tags;
  document["paths"] = paths;
  document["components"] = Components();
  return document.dump(1) + "\n";
}

}  // namespace latchkey
