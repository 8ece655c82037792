// What is in a tenant's database, for comparing two of them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "gateway/tenants/database_maker.hpp"

namespace latchkey {

// Stands for everything that is no row of a table: schemas, functions, columns, privileges,
// comments. It is another after any change of them, in this database; a copy's is always another.
MakerFailure ReadDefinitions(PgConnection& connection, std::string& definitions);

// Who reads what: the extension's tables are the platform's, everything else the tenant's.
enum class ContentsPart { kTenant, kExtension };

// Of tables the number of rows and a sum of hashes of the rows, whatever their order; of sequences
// where they are; of large objects as of a table. Those of the extensions' tables that are made
// with the extension are not counted, as a dump has not got them either.
class DatabaseContents {
 public:
  // Adds a part, as of one moment. With has_extension the schema latchkey is the other part.
  // go_on: asked between tables; when it says no, the rest is left out.
  MakerFailure Read(PgConnection& connection, ContentsPart part, bool has_extension,
                    const std::function<bool()>& go_on);

  size_t tables() const { return figures_.size(); }
  long long rows() const { return rows_; }
  // SHA-256 of all of it.
  std::string Checksum() const;
  // The first difference, for people; empty: there is none.
  std::string DifferenceFrom(const DatabaseContents& copy) const;

 private:
  struct Figures {
    std::string rows, sum;
  };
  std::map<std::string, Figures> figures_;
  long long rows_ = 0;
};

}  // namespace latchkey
