// Routes of the module `credits`: granting, refunding, and what services cost.
#include "gateway/routes/credits.hpp"

namespace latchkey {
namespace {

Argument GrantedAccount() {
  return BodyField("account_id", Type::kUuid, kRequired, kUuidLength, "Who gets them.");
}
Argument Amount(bool required, const char* description) {
  return BodyField("amount", Type::kInteger, required, kMaxInteger64, description);
}
Argument ExpiresAt() {
  return BodyField("expires_at", Type::kTimestamp, kOptional, kMaxTimestamp,
                   "From when on they can't be spent; never when absent.");
}
Argument Reference(const char* description) {
  return BodyField("reference", Type::kText, kOptional, kMaxReference, description);
}
Argument Service() {
  return PathPart("service", Type::kText, kMaxService, "The name of the service.");
}

Route RecordPurchase() {
  return Route("POST", "/api/credits/purchase", "purchaseCredits", "credits")
      .Summary("Records credits that were bought. Needs credits.grant on the whole platform.")
      .Writes(
          "SELECT row_to_json(t) FROM latchkey.grant_credits($1::uuid, $2::bigint, 'purchase', "
          "expires_at => $3::timestamptz, reference => $4, idempotency_key => $5, "
          "metadata => $6::jsonb) AS t")
      .As(Who::kBearer)
      .Takes(GrantedAccount())
      .Takes(Amount(kRequired, "How many."))
      .Takes(ExpiresAt())
      .Takes(Reference("The payment, as its provider names it."))
      .Takes(IdempotencyKey())
      .Takes(Metadata())
      .Returns("transaction", "CreditTransaction")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::IdempotencyMismatch});
}

Route GrantCredits() {
  return Route("POST", "/api/credits/grants", "grantCredits", "credits")
      .Summary(
          "Grants credits that were not bought. Needs credits.grant on the whole platform. Debits "
          "burn the lowest priority first, then what expires first, then the oldest.")
      .Writes(
          "SELECT row_to_json(t) FROM latchkey.grant_credits($1::uuid, $2::bigint, $3, "
          "coalesce($4::integer, 100), $5::timestamptz, $6, $7, $8::jsonb) AS t")
      .As(Who::kBearer)
      .Takes(GrantedAccount())
      .Takes(Amount(kRequired, "How many."))
      .Takes(BodyField("kind", Type::kText, kRequired, 20,
                       "bonus, trial, plan_allowance, adjustment or purchase."))
      .Takes(BodyField("priority", Type::kInteger, kOptional, 2147483647, "100 by default."))
      .Takes(ExpiresAt())
      .Takes(Reference("What it is for."))
      .Takes(IdempotencyKey())
      .Takes(Metadata())
      .Returns("transaction", "CreditTransaction")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::IdempotencyMismatch});
}

Route RefundCredits() {
  return Route("POST", "/api/credits/refunds", "refundCredits", "credits")
      .Summary(
          "Gives back a debit or capture, or a part of it. Needs credits.refund on the whole "
          "platform.")
      .Writes("SELECT row_to_json(t) FROM latchkey.refund_credits(" LATCHKEY_ACCOUNT
              ", $2::uuid, $3::bigint, $4, $5) AS t")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(
          BodyField("transaction_id", Type::kUuid, kRequired, kUuidLength, "The debit or capture."))
      .Takes(Amount(kOptional, "How many; what is left of it by default."))
      .Takes(IdempotencyKey())
      .Takes(Reference("Why."))
      .Returns("transaction", "CreditTransaction")
      .Status(201)
      .Fails(
          {ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::IdempotencyMismatch});
}

Route SetThreshold() {
  return Route("PUT", "/api/credits/threshold", "setCreditThreshold", "credits")
      .Summary(
          "Below this balance the account is low: event credits.low, once each time that it falls "
          "below. Needs credits.write.")
      .Writes("SELECT null::json FROM latchkey.set_low_balance(" LATCHKEY_ACCOUNT ", $2::bigint)")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(BodyField("threshold", Type::kInteger, kRequired, kMaxInteger64, "The balance."))
      .Message("Threshold set")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route RemoveThreshold() {
  return Route("DELETE", "/api/credits/threshold", "removeCreditThreshold", "credits")
      .Summary("No balance is low any more. Needs credits.write.")
      .Writes("SELECT null::json FROM latchkey.set_low_balance(" LATCHKEY_ACCOUNT ", NULL)")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Message("Threshold removed")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound});
}

Route ListServices() {
  return Route("GET", "/api/credits/services", "listServiceCosts", "credits")
      .Summary("What each service costs, by name.")
      .Reads("SELECT coalesce(json_agg(s), '[]') FROM latchkey.list_service_costs() AS s")
      .As(Who::kBearer)
      .Returns("services", "ServiceCost", true);
}

Route SetServiceCost() {
  return Route("PUT", "/api/credits/services/{service}", "setServiceCost", "credits")
      .Summary(
          "Sets what a unit of a service costs, for all debits from now on. Needs credits.write.")
      .Writes(
          "SELECT row_to_json(s) FROM latchkey.set_service_cost($1, $2::bigint, "
          "coalesce($3::boolean, true)) AS s")
      .As(Who::kBearer)
      .Takes(Service())
      .Takes(BodyField("credits_per_unit", Type::kInteger, kRequired, kMaxInteger64, "The cost."))
      .Takes(BodyField("active", Type::kBoolean, kOptional, 0,
                       "false: it can't be debited; true by default."))
      .Returns("service", "ServiceCost")
      .Fails({ErrorId::Forbidden});
}

Route ListCostChanges() {
  return Route("GET", "/api/credits/services/{service}/history", "serviceCostHistory", "credits")
      .Summary("What a service has cost, newest first. Needs credits.write.")
      .Reads("SELECT coalesce(json_agg(c), '[]') FROM latchkey.service_cost_history($1) AS c")
      .As(Who::kBearer)
      .Takes(Service())
      .Returns("changes", "ServiceCostChange", true)
      .Fails({ErrorId::Forbidden});
}

}  // namespace

std::vector<Route> CreditAdministrationRoutes() {
  return {RecordPurchase(),  GrantCredits(), RefundCredits(),  SetThreshold(),
          RemoveThreshold(), ListServices(), SetServiceCost(), ListCostChanges()};
}

}  // namespace latchkey
