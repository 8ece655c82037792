// Reading quotas without consuming.
#include <algorithm>

#include "extension/permissions/principal.hpp"
#include "extension/quotas/counters.hpp"

namespace latchkey::quotas {

namespace {

Uuid ReadAccount(const pg::Args& args) {
  const auto account_id = args.Get<Uuid>(0, "account_id");
  permissions::RequireAccount(args, account_id, "plans.read");
  return account_id;
}

std::vector<Quota> QuotasOf(pg::Spi& spi, const Uuid& account_id) {
  const plans::Entitlements own = plans::EntitlementsOf(spi, account_id);
  std::vector<Quota> quotas;
  for (const auto& item : own.UsableFeatures("")) {
    quotas.push_back(
        {item.feature->key, PeriodOf(spi, own, *item.feature), item.feature->granted_limit, 0});
  }
  return quotas;
}

// One statement for all: the counters of periods that may be running.
void ReadAllUsed(pg::Spi& spi, const Uuid& account_id, std::vector<Quota>& quotas) {
  static pg::Statement statement(R"(
    SELECT feature, period, period_start, used FROM latchkey.usage
     WHERE account_id = $1 AND (period = 'ever' OR period_start >= $2))");
  pg::Timestamp earliest = pg::Now();
  for (const Quota& quota : quotas) {
    if (quota.period.end) earliest = std::min(earliest, quota.period.start);
  }
  const pg::Rows rows = spi.Read(statement, account_id, earliest);
  for (uint64_t i = 0; i < rows.size(); ++i) {
    const std::string feature = rows[i].Text(1);
    const std::string period = rows[i].Text(2);
    for (Quota& quota : quotas) {
      if (quota.feature == feature && quota.period.kind == period &&
          quota.period.start == rows[i].Get<pg::Timestamp>(3)) {
        quota.used = rows[i].Get<int64_t>(4);
      }
    }
  }
}

}  // namespace

LATCHKEY_FUNCTION(quota, kOpen) {
  const Uuid account_id = ReadAccount(args);
  const auto feature = args.Text(1, "feature");
  pg::Spi spi(pg::Spi::kReadOnly);
  Quota quota = QuotaOf(spi, account_id, feature);
  quota.used = ReadUsed(spi, account_id, quota.feature, quota.period);
  spi.Finish();
  return args.ReturnRow(QuotaRow(quota));
}

LATCHKEY_FUNCTION(can_consume, kOpen) {
  const Uuid account_id = ReadAccount(args);
  const auto key = args.Text(1, "feature");
  const auto amount = args.Get<int64_t>(2, "amount");
  CheckAmount(amount);
  pg::Spi spi(pg::Spi::kReadOnly);
  const plans::Entitlements own = plans::EntitlementsOf(spi, account_id);
  const plans::Feature* feature = own.UsableFeature(key);
  bool allowed = feature != nullptr;
  if (feature != nullptr && feature->granted_limit) {
    Quota quota{feature->key, PeriodOf(spi, own, *feature), feature->granted_limit, 0};
    quota.used = ReadUsed(spi, account_id, quota.feature, quota.period);
    allowed = quota.Allows(amount);
  }
  spi.Finish();
  return args.Return(allowed);
}

LATCHKEY_FUNCTION(usage, kOpen) {
  const Uuid account_id = ReadAccount(args);
  pg::Spi spi(pg::Spi::kReadOnly);
  std::vector<Quota> quotas = QuotasOf(spi, account_id);
  ReadAllUsed(spi, account_id, quotas);
  spi.Finish();
  args.BeginSet();
  for (const Quota& quota : quotas) {
    if (quota.limit || quota.used > 0) args.EmitRow(QuotaRow(quota));
  }
  return args.Void();
}

}  // namespace latchkey::quotas
