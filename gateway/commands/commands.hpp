// The commands of the program. Each returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "gateway/config.hpp"

namespace latchkey {

int Serve(const Config& config);
// Runs jobs until SIGTERM.
int Work(const Config& config);
int PrintOpenApi(const Config& config);
int PrintErrors();
int PrintRoutes();
int PrintConfig();
// `arguments`: the file, and optionally --rejected PATH.
int ImportUsers(const Config& config, const std::vector<std::string>& arguments);
// `arguments`: the address, and optionally --name NAME or --promote.
int CreateAdmin(const Config& config, const std::vector<std::string>& arguments);
// `arguments`: the template's name and the database's URL.
int InstallTemplate(const Config& config, const std::vector<std::string>& arguments);

}  // namespace latchkey
