// Lookups in the error table, and rendering of problem documents.
#include "gateway/http/problem.hpp"

#include "gateway/http/json_text.hpp"

namespace latchkey {

const std::vector<ErrorInfo>& AllErrors() {
  static const std::vector<ErrorInfo> table = {
#define LATCHKEY_ERROR(Name, sqlstate, code, status, meaning) \
  {ErrorId::Name, sqlstate, code, status, meaning},
#include "extension/core/errors.def"
#include "gateway/http/gateway_errors.def"
#undef LATCHKEY_ERROR
  };
  return table;
}

const ErrorInfo& InfoOf(ErrorId id) { return AllErrors()[static_cast<size_t>(id)]; }

const ErrorInfo* FindBySqlState(std::string_view sqlstate) {
  if (sqlstate.empty()) return nullptr;
  for (const ErrorInfo& info : AllErrors()) {
    if (sqlstate == info.sqlstate) return &info;
  }
  return nullptr;
}

const ErrorInfo* FindByCode(std::string_view code) {
  for (const ErrorInfo& info : AllErrors()) {
    if (code == info.code) return &info;
  }
  return nullptr;
}

std::string RenderProblem(const Failure& failure, std::string_view request_id) {
  const ErrorInfo& info = InfoOf(failure.id);
  const std::string_view detail =
      failure.detail.empty() ? std::string_view(info.meaning) : std::string_view(failure.detail);
  std::string out;
  out.reserve(320 + 2 * detail.size() + failure.hint.size());
  out += R"({"type":"urn:latchkey:error:)";
  out += info.code;
  out += R"(","title":)";
  AppendJsonString(out, info.meaning);
  out += R"(,"status":)";
  out += std::to_string(info.status);
  out += R"(,"detail":)";
  AppendJsonString(out, detail);
  out += R"(,"code":")";
  out += info.code;
  out += R"(","request_id":)";
  AppendJsonString(out, request_id);
  if (!failure.hint.empty()) {
    out += R"(,"hint":)";
    AppendJsonString(out, failure.hint);
  }
  out += R"(,"success":false,"message":)";
  AppendJsonString(out, detail);
  out += "}";
  return out;
}

}  // namespace latchkey
