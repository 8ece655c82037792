// pg_dump and pg_restore, as programs that a worker runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/tenants/database_maker.hpp"

namespace latchkey {

class DumpPrograms {
 public:
  // folder: where the programs are; empty: in PATH. go_on: as for RunChild().
  DumpPrograms(std::string folder, std::function<bool()> go_on)
      : folder_(std::move(folder)), go_on_(std::move(go_on)) {}

  // Passwords are in the programs' environment alone, which only their user can read.
  MakerFailure Dump(const DatabaseAddress& database, const std::vector<std::string>& options,
                    const std::string& file) const;
  MakerFailure Restore(const DatabaseAddress& database, const std::vector<std::string>& options,
                       const std::string& file) const;
  // The table of contents of a dump.
  MakerFailure List(const std::string& file, std::string& text) const;

 private:
  MakerFailure Run(const char* program, std::vector<std::string> arguments,
                   const DatabaseAddress* database, std::string* output) const;

  const std::string folder_;
  const std::function<bool()> go_on_;
};

// A failure that is no one's fault: we were told to stop.
constexpr char kStopped[] = "stopped";

}  // namespace latchkey
