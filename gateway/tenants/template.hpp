// A template of tenant databases: a folder of SQL files that are applied in the order of their
// names.
#pragma once

#include <string>
#include <vector>

namespace latchkey {

struct TemplateFile {
  std::string name;  // 0001_schema.sql
  std::string sql;
  std::string checksum;  // SHA-256 of its bytes, in hexadecimal
};

struct Template {
  std::string name;  // of the folder, and of the schema that it makes
  std::vector<TemplateFile> files;
  std::string error;  // why it can't be used; empty: it can
};

// Reads the folder `name` below `folder`. Refused: another name than a schema could have, files
// that are not called NNNN_name.sql (README.md apart), numbers that are missing or come twice,
// links, files of more than 16 MiB, and those that begin or end a transaction.
Template ReadTemplate(const std::string& folder, const std::string& name);

}  // namespace latchkey
