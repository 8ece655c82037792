// The entry point: chooses the command.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "gateway/commands/commands.hpp"
#include "gateway/version.hpp"

namespace {

constexpr char kUsage[] =
    "Usage: latchkey-gateway [COMMAND] [FLAGS]\n"
    "\n"
    "The HTTP gateway of Latchkey: offers the SQL functions of the extension as REST.\n"
    "\n"
    "Commands:\n"
    "  serve                 answer requests until SIGTERM (the default)\n"
    "  work                  run jobs and schedules until SIGTERM, without answering requests\n"
    "  import-users FILE     import users from a JSON file, in batches; --rejected PATH names the\n"
    "                        file for rejected entries (default: FILE.rejected.json)\n"
    "  create-admin EMAIL    make a user an administrator of the platform: a new one, whose "
    "password is\n"
    "                        asked for (or is a line of standard input), with --name NAME; or "
    "with\n"
    "                        --promote one who exists\n"
    "  install-template NAME URL  bring the database of a tenant up to a template\n"
    "  openapi               print the OpenAPI document\n"
    "  routes                print the routes as a markdown table\n"
    "  errors                print the errors as a markdown table\n"
    "  config                print the flags as a markdown table\n"
    "\n"
    "Flags, which may also stand in the environment:\n";

int Usage(const char* problem) {
  std::fprintf(stderr, "latchkey-gateway: %s\nTry latchkey-gateway --help\n", problem);
  return 2;
}

int Run(const latchkey::ConfigResult& read) {
  const auto& words = read.arguments;
  const std::string command = words.empty() ? "serve" : words[0];
  if (command == "import-users") {
    return latchkey::ImportUsers(read.config, {words.begin() + 1, words.end()});
  }
  if (command == "create-admin") {
    return latchkey::CreateAdmin(read.config, {words.begin() + 1, words.end()});
  }
  if (command == "install-template") {
    return latchkey::InstallTemplate(read.config, {words.begin() + 1, words.end()});
  }
  if (words.size() > 1) return Usage(("unexpected argument " + words[1]).c_str());
  if (command == "serve") return latchkey::Serve(read.config);
  if (command == "work") return latchkey::Work(read.config);
  if (command == "openapi") return latchkey::PrintOpenApi(read.config);
  if (command == "routes") return latchkey::PrintRoutes();
  if (command == "errors") return latchkey::PrintErrors();
  if (command == "config") return latchkey::PrintConfig();
  return Usage(("unknown command " + command).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  // Times in answers are UTC, whatever the server's or the role's setting; libpq reads these.
  setenv("PGTZ", "UTC", 1);
  setenv("PGDATESTYLE", "ISO", 1);
  const latchkey::ConfigResult read = latchkey::ReadConfig(argc, argv);
  if (read.help) {
    std::fputs(kUsage, stdout);
    std::fputs(latchkey::ConfigHelp().c_str(), stdout);
    return 0;
  }
  if (read.version) {
    std::printf("latchkey-gateway %s\n", latchkey::kVersion);
    return 0;
  }
  if (!read.error.empty()) return Usage(read.error.c_str());
  try {
    return Run(read);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "latchkey-gateway: %s\n", error.what());
    return 1;
  }
}
