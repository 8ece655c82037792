// Another master key: what is stored is sealed anew, a batch at a time, while everything runs on.
#include <memory>

#include "extension/core/aead.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/events/events.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/array.hpp"
#include "extension/settings/master_key.hpp"
#include "extension/settings/sealed_column.hpp"

namespace latchkey::secrets {

namespace {

// The statements for one sealed column.
class Rewrapping {
 public:
  explicit Rewrapping(const settings::SealedColumn& column)
      : column_(column),
        find_(FindSql(column)),
        store_(StoreSql(column)),
        usage_(UsageSql(column)) {}

  const settings::SealedColumn& column() const { return column_; }

  // Of at most `limit` values that another key sealed. Those that somebody is changing are left to
  // the next call; who changes one seals it with the current key anyway.
  int64_t Run(pg::Spi& spi, int64_t limit) {
    const pg::Rows rows =
        spi.RunLatest(find_statement_, pg::Bytes{settings::MasterKeyFingerprint()}, limit);
    std::vector<pg::Value> ids;
    std::vector<pg::Value> envelopes;
    for (uint64_t i = 0; i < rows.size(); ++i) {
      const std::string id = rows[i].Text(1);
      const Secret plaintext = column_.Open(rows[i].Text(2), id);
      ids.push_back(pg::ToValue(id));
      envelopes.push_back(pg::ToValue(pg::Bytes{column_.Seal(plaintext.view(), id)}));
    }
    if (ids.empty()) return 0;
    spi.RunLatest(store_statement_, pg::ToArray(TEXTOID, ids), pg::ToArray(BYTEAOID, envelopes));
    return static_cast<int64_t>(spi.affected());
  }

  // Columns: the key's fingerprint, how many values it sealed.
  pg::Rows Usage(pg::Spi& spi) { return spi.Read(usage_statement_); }

 private:
  static std::string Table(const settings::SealedColumn& column) {
    return std::string("latchkey.") + column.table();
  }
  // The fingerprint of the key that sealed a value: see core/aead.hpp.
  static std::string Fingerprint(const settings::SealedColumn& column) {
    return std::string("substr(") + column.column() + ", 2, 8)";
  }
  static std::string FindSql(const settings::SealedColumn& column) {
    return "SELECT " + column.RowExpression() + ", " + column.column() + " FROM " + Table(column) +
           " WHERE " + Fingerprint(column) + " <> $1 LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";
  }
  static std::string StoreSql(const settings::SealedColumn& column) {
    return "UPDATE " + Table(column) + " SET " + column.column() +
           " = n.envelope_ FROM unnest($1::text[], $2::bytea[]) AS n (row_, envelope_) WHERE " +
           column.RowExpression() + " = n.row_";
  }
  static std::string UsageSql(const settings::SealedColumn& column) {
    return "SELECT " + Fingerprint(column) + ", count(*) FROM " + Table(column) + " WHERE " +
           column.column() + " IS NOT NULL GROUP BY 1 ORDER BY 1";
  }

  const settings::SealedColumn& column_;
  const std::string find_;
  const std::string store_;
  const std::string usage_;
  pg::Statement find_statement_{find_.c_str()};
  pg::Statement store_statement_{store_.c_str()};
  pg::Statement usage_statement_{usage_.c_str()};
};

std::vector<std::unique_ptr<Rewrapping>>& Rewrappings() {
  static auto& all = *new std::vector<std::unique_ptr<Rewrapping>>;
  if (all.empty()) {
    for (const settings::SealedColumn* column : settings::SealedColumns()) {
      all.push_back(std::make_unique<Rewrapping>(*column));
    }
  }
  return all;
}

}  // namespace

LATCHKEY_FUNCTION(rotate_master_key, kOpen) {
  const auto max_rows = args.Get<int32_t>(0, "max_rows");
  permissions::Require(args, "secrets.rotate");
  if (max_rows < 1) throw Error(ErrorCode::kInvalidArgument, "max_rows must be positive");
  settings::LoadMasterKey();  // before rows are locked
  pg::Spi spi;
  int64_t done = 0;
  for (const auto& rewrapping : Rewrappings()) {
    if (done < max_rows) done += rewrapping->Run(spi, max_rows - done);
  }
  if (done > 0) {
    const std::string key = HexEncode(settings::MasterKeyFingerprint());
    events::Record(spi, {events::kPlatform, "master_key", key, "master_key.rotated",
                         JsonObject().Add("values", done).ToString()});
  }
  spi.Finish();
  return args.Return(done);
}

LATCHKEY_FUNCTION(master_key_usage, kOpen) {
  permissions::Require(args, "secrets.read");
  const std::string current = settings::MasterKeyFingerprint();
  pg::Spi spi(pg::Spi::kReadOnly);
  args.BeginSet();
  for (const auto& rewrapping : Rewrappings()) {
    const pg::Rows rows = rewrapping->Usage(spi);
    for (uint64_t i = 0; i < rows.size(); ++i) {
      const std::string key = rows[i].Text(1);
      args.EmitRow({pg::ToValue(rewrapping->column().table()),
                    pg::ToValue(rewrapping->column().column()), pg::ToValue(HexEncode(key)),
                    pg::ToValue(key == current), pg::ToValue(rows[i].Get<int64_t>(2))});
    }
  }
  spi.Finish();
  return args.Void();
}

}  // namespace latchkey::secrets
