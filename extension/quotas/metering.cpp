// meter: the trigger that counts the rows of an application's own table.
#include "extension/core/error.hpp"
#include "extension/pg/trigger.hpp"
#include "extension/quotas/counters.hpp"

namespace latchkey::quotas {

namespace {

constexpr const char* kColumnHint =
    "The second argument of latchkey.meter() names the column with the account's id.";

std::optional<Uuid> AccountOf(const pg::Raw& value, const std::string& column) {
  if (value.type != UUIDOID) {
    throw Error(ErrorCode::kInvalidArgument, "column \"" + column + "\" is not of type uuid", {},
                kColumnHint);
  }
  if (value.is_null) return std::nullopt;
  return pg::FromDatum<Uuid>(value.value);
}

// Rows that exist are counted since ever, so that each that goes can be given back; a limit over
// another period counts how many were added in it, and keeps them counted.
void AddRow(pg::Spi& spi, const Uuid& account_id, const std::string& feature) {
  Quota quota = QuotaOf(spi, account_id, feature);
  if (!Count(spi, account_id, quota, 1)) ThrowExceeded(quota, 1);
  if (quota.period.kind == kEver) return;
  Quota rows{feature, Period::Ever(), std::nullopt};
  Count(spi, account_id, rows, 1);
}

void RemoveRow(pg::Spi& spi, const Uuid& account_id, const std::string& feature) {
  Uncount(spi, account_id, feature, Period::Ever(), 1);
}

}  // namespace

LATCHKEY_FUNCTION(meter, kOpen) {
  const pg::RowTrigger trigger(args);
  if (!trigger.IsForRow() || !trigger.IsAfter()) {
    throw Error(ErrorCode::kInvalidArgument,
                "latchkey.meter() is for AFTER … FOR EACH ROW triggers");
  }
  const auto feature = trigger.Argument(0);
  if (!feature) {
    throw Error(ErrorCode::kInvalidArgument, "latchkey.meter() needs the feature to count", {},
                "EXECUTE FUNCTION latchkey.meter('campaigns', 'account_id').");
  }
  const std::string column = trigger.Argument(1).value_or("account_id");
  if (!trigger.HasColumn(column.c_str())) {
    throw Error(ErrorCode::kInvalidArgument, "the table has no column \"" + column + "\"", {},
                kColumnHint);
  }
  std::optional<Uuid> before, after;
  if (!trigger.IsInsert()) before = AccountOf(trigger.Old(column.c_str()), column);
  if (!trigger.IsDelete()) after = AccountOf(trigger.New(column.c_str()), column);
  if (before == after) return PointerGetDatum(nullptr);
  pg::Spi spi;
  if (before) RemoveRow(spi, *before, *feature);
  if (after) AddRow(spi, *after, *feature);
  spi.Finish();
  return PointerGetDatum(nullptr);
}

}  // namespace latchkey::quotas
