// Commands that print what the tables in the program say.
#include <cstdio>

#include "gateway/commands/commands.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/routes/openapi.hpp"

namespace latchkey {
namespace {

const char* WhoText(Who who) {
  switch (who) {
    case Who::kPublic:
      return "everyone";
    case Who::kBearer:
      return "bearer of a token";
    case Who::kBearerIsGiven:
      return "bearer of a token";
  }
  return "";
}

}  // namespace

int PrintOpenApi(const Config& config) {
  std::fputs(RenderOpenApi(AllRoutes(), config.public_url).c_str(), stdout);
  return 0;
}

int PrintErrors() {
  std::puts("| SQLSTATE | code | HTTP | meaning |\n|---|---|---|---|");
  for (const ErrorInfo& info : AllErrors()) {
    std::printf("| %s | `%s` | %d | %s |\n", *info.sqlstate ? info.sqlstate : "gateway", info.code,
                info.status, info.meaning);
  }
  return 0;
}

int PrintRoutes() {
  std::puts("| method | path | who | what |\n|---|---|---|---|");
  for (const Route& route : AllRoutes()) {
    const char* who = route.ignores_bad_token ? "everyone" : WhoText(route.who);
    std::printf("| %s | `%s` | %s | %s |\n", route.method, route.path, who, route.summary);
  }
  return 0;
}

int PrintConfig() {
  std::fputs(ConfigMarkdown().c_str(), stdout);
  return 0;
}

}  // namespace latchkey
