// Applying a template to a tenant's database.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/db/connection.hpp"
#include "gateway/tenants/template.hpp"

namespace latchkey {

struct InstallFailure {
  std::string file;   // empty: none is to blame
  size_t line = 0;    // of the file; 0: unknown
  std::string state;  // SQLSTATE; empty: the connection is lost, or we refused
  std::string message;

  // All of it on one line, for people.
  std::string Text() const;
};

struct InstallResult {
  std::vector<std::string> applied;  // by this call, in order
  size_t present = 0;                // files that were there before
  std::optional<InstallFailure> failure;
};

// Brings the database up to the template: each file that it has not is applied in a transaction of
// its own, which also records it in latchkey_templates.applied. Whatever ends this, what was
// committed is recorded and the rest is not there, so calling it again goes on. Several at once
// take turns, file by file. Before anything is done it is refused when a recorded file's checksum
// is another, or the template lacks it. The connection may be any that is idle; settings made by a
// file don't outlive it.
InstallResult ApplyTemplate(PgConnection& connection, const Template& source);

}  // namespace latchkey
