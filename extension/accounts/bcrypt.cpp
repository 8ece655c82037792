// Calls pgcrypto's crypt(text, text), found through the extension that owns it.
#include "extension/accounts/bcrypt.hpp"

#include "extension/core/error.hpp"
#include "extension/core/password_hash.hpp"
#include "extension/core/secret.hpp"
#include "extension/pg/spi.hpp"

namespace latchkey::accounts {

namespace {

// By membership, not by name: whatever stands in public under this name is not asked.
Oid FindCrypt() {
  static pg::Statement statement(R"(
    SELECT p.oid::bigint
      FROM pg_extension e
      JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                      AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
      JOIN pg_proc p ON p.oid = d.objid
     WHERE e.extname = 'pgcrypto' AND p.proname = 'crypt'
       AND p.proargtypes = ARRAY['text'::regtype, 'text'::regtype]::oidvector)");
  pg::Spi spi;
  const pg::Rows rows = spi.Read(statement);
  if (rows.empty()) {
    throw Error(ErrorCode::kNotConfigured, "extension pgcrypto is missing", {},
                "CREATE EXTENSION pgcrypto.");
  }
  const Oid crypt = static_cast<Oid>(rows[0].Get<int64_t>(1));
  spi.Finish();
  return crypt;
}

}  // namespace

bool VerifyBcrypt(std::string_view password, std::string_view hash) {
  if (password.size() > kMaxBcryptBytes) return false;
  const Oid crypt = FindCrypt();
  const std::string canonical = BcryptAs2a(hash);
  const Datum key = pg::TextDatum(password);
  const Datum salt = pg::TextDatum(canonical);
  const Datum result = pg::Call([=] { return OidFunctionCall2(crypt, key, salt); });
  return SameBytes(pg::BytesOf(result), canonical);
}

}  // namespace latchkey::accounts
