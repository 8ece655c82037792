// The command `install-template`: brings a tenant's database up to a template.
#include <cstdio>

#include "gateway/commands/commands.hpp"
#include "gateway/tenants/installer.hpp"

namespace latchkey {
namespace {

int Complain(const std::string& what, int code = 1) {
  std::fprintf(stderr, "latchkey-gateway: %s\n", what.c_str());
  return code;
}

}  // namespace

int InstallTemplate(const Config& config, const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) {
    return Complain("install-template takes the template's name and the database's URL", 2);
  }
  const std::string malformed = CheckDatabaseUrl(arguments[1]);
  if (!malformed.empty()) return Complain(malformed, 2);
  const Template source = ReadTemplate(config.templates, arguments[0]);
  if (!source.error.empty()) return Complain(source.error);
  ConnectOptions options;
  options.url = arguments[1];
  PgConnection connection(options);
  if (!connection.ok()) return Complain("can't connect: " + connection.ErrorText());
  const InstallResult result = ApplyTemplate(connection, source);
  for (const std::string& file : result.applied) std::printf("applied %s\n", file.c_str());
  std::fflush(stdout);
  if (result.failure) return Complain("template " + source.name + ": " + result.failure->Text());
  std::printf("%s: %zu files, %zu of them new\n", source.name.c_str(), source.files.size(),
              result.applied.size());
  return 0;
}

}  // namespace latchkey
