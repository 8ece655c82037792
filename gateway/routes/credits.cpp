// Routes of the module `credits`: reading, spending and setting aside.
#include "gateway/routes/credits.hpp"

namespace latchkey {
namespace {

constexpr size_t kMaxPage = 1000;
constexpr size_t kMaxDays = 3660;
constexpr size_t kMaxHoldSeconds = 366 * 24 * 60 * 60;
constexpr size_t kMaxBatch = 10000;

Argument Service() {
  return BodyField("service", Type::kText, kRequired, kMaxService, "What is used.");
}
Argument Quantity(const char* description) {
  return BodyField("quantity", Type::kInteger, kOptional, kMaxInteger64, description);
}
Argument HoldId() { return PathPart("id", Type::kUuid, kUuidLength, "The id of the hold."); }

Route GetBalance() {
  return Route("GET", "/api/credits/balance", "creditBalance", "credits")
      .Summary(
          "What an account can spend, what holds set aside, and what expires soon. Another's needs "
          "credits.read.")
      .Reads("SELECT row_to_json(b) FROM latchkey.credit_balance(" LATCHKEY_ACCOUNT
             ", make_interval(days => coalesce($2::integer, 7))) AS b")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("expiring_days", Type::kInteger, kMaxDays,
                        "What counts as soon; 7 days by default."))
      .Returns("balance", "CreditBalance")
      .Fails({ErrorId::Forbidden});
}

Route ListTransactions() {
  return Route("GET", "/api/credits/transactions", "creditTransactions", "credits")
      .Summary(
          "An account's transactions, newest first, a page at a time. Another's need credits.read.")
      .Reads(
          "SELECT coalesce(json_agg(t), '[]') FROM latchkey.credit_history(" LATCHKEY_ACCOUNT
          ", $2::uuid, coalesce($3::integer, 100), $4, $5, $6::timestamptz, $7::timestamptz) AS t")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default."))
      .Takes(QueryField("service", Type::kText, kMaxService, "Only what this service cost."))
      .Takes(QueryField("kind", Type::kText, 20,
                        "Only debit, capture, refund, expiry, split or a kind of grant."))
      .Takes(QueryField("from", Type::kTimestamp, kMaxTimestamp, "Not before this time."))
      .Takes(QueryField("before", Type::kTimestamp, kMaxTimestamp, "Before this time."))
      .Returns("transactions", "CreditTransaction", true)
      .Fails({ErrorId::Forbidden});
}

Route GetUsage() {
  return Route("GET", "/api/credits/usage", "creditUsage", "credits")
      .Summary("What an account spent per UTC day and service. Another's needs credits.read.")
      .Reads(
          "SELECT coalesce(json_agg(json_build_object('day', u.day, 'service', u.service_name, "
          "'amount', u.amount, 'debits', u.debits)), '[]') FROM "
          "latchkey.credit_usage(" LATCHKEY_ACCOUNT
          ", coalesce($2::timestamptz, date_trunc('day', now() - interval '29 days', 'UTC')), "
          "$3::timestamptz) AS u")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("from", Type::kTimestamp, kMaxTimestamp,
                        "Not before this time; the last 30 days by default."))
      .Takes(QueryField("before", Type::kTimestamp, kMaxTimestamp, "Before this time."))
      .Returns("usage", "CreditUsage", true)
      .Fails({ErrorId::Forbidden});
}

Route Debit() {
  return Route("POST", "/api/credits/debit", "debitCredits", "credits")
      .Summary("Spends what a quantity of a service costs. Needs credits.debit.")
      .Writes("SELECT row_to_json(t) FROM latchkey.debit_credits(" LATCHKEY_ACCOUNT
              ", $2, coalesce($3::bigint, 1), $4, $5::jsonb) AS t")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(Service())
      .Takes(Quantity("How many units; 1 by default."))
      .Takes(IdempotencyKey())
      .Takes(Metadata())
      .Returns("transaction", "CreditTransaction")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::InsufficientCredits,
              ErrorId::IdempotencyMismatch, ErrorId::Conflict});
}

Route DebitBatch() {
  return Route("POST", "/api/credits/debits", "debitCreditsBatch", "credits")
      .Summary(
          "Many debits of one account in their order, all or none, or each on its own. Each has an "
          "idempotency key of its own. Needs credits.debit.")
      .Writes(
          "SELECT coalesce(json_agg(d), '[]') FROM latchkey.debit_credits_batch(" LATCHKEY_ACCOUNT
          ", $2::jsonb, coalesce($3::boolean, true)) AS d")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(BodyField("debits", Type::kObjectList, kRequired, kMaxBatch,
                       "Objects with service and, where wanted, quantity, idempotency_key and "
                       "metadata."))
      .Takes(BodyField("atomic", Type::kBoolean, kOptional, 0,
                       "true, the default: the first that fails undoes all, and its error is the "
                       "answer. false: each has its outcome."))
      .Returns("debits", "CreditBatchEntry", true)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::InsufficientCredits,
              ErrorId::IdempotencyMismatch, ErrorId::Conflict});
}

Route Hold() {
  return Route("POST", "/api/credits/holds", "holdCredits", "credits")
      .Summary(
          "Sets aside what a quantity of a service costs, for work that takes long. Needs "
          "credits.debit.")
      .Writes("SELECT row_to_json(h) FROM latchkey.hold_credits(" LATCHKEY_ACCOUNT
              ", $2, coalesce($3::bigint, 1), make_interval(secs => coalesce($4::integer, 3600)), "
              "$5, $6::jsonb) AS h")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(Service())
      .Takes(Quantity("How many units at most; 1 by default."))
      .Takes(BodyField("expires_in_seconds", Type::kInteger, kOptional, kMaxHoldSeconds,
                       "After how long it returns by itself; an hour by default."))
      .Takes(IdempotencyKey())
      .Takes(Metadata())
      .Returns("hold", "CreditHold")
      .Status(201)
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::InsufficientCredits,
              ErrorId::IdempotencyMismatch, ErrorId::Conflict});
}

Route ListHolds() {
  return Route("GET", "/api/credits/holds", "listHolds", "credits")
      .Summary("An account's holds, newest first, a page at a time. Another's need credits.read.")
      .Reads("SELECT coalesce(json_agg(h), '[]') FROM latchkey.list_holds(" LATCHKEY_ACCOUNT
             ", $2::uuid, coalesce($3::integer, 100), $4) AS h")
      .As(Who::kBearer)
      .Takes(AccountInQuery())
      .Takes(QueryField("after", Type::kUuid, kUuidLength, "The last id of the page before."))
      .Takes(QueryField("limit", Type::kInteger, kMaxPage, "How many at most; 100 by default."))
      .Takes(
          QueryField("status", Type::kText, 20, "Only active, captured, released or expired ones."))
      .Returns("holds", "CreditHold", true)
      .Fails({ErrorId::Forbidden});
}

Route CaptureHold() {
  return Route("POST", "/api/credits/holds/{id}/capture", "captureHold", "credits")
      .Summary("Spends a hold, or a part of it; the rest returns. Needs credits.debit.")
      .Writes("SELECT row_to_json(t) FROM latchkey.capture_hold(" LATCHKEY_ACCOUNT
              ", $2::uuid, $3::bigint, $4) AS t")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(HoldId())
      .Takes(Quantity("How many of the units held; all by default."))
      .Takes(IdempotencyKey())
      .Returns("transaction", "CreditTransaction")
      .Status(201)
      .Fails(
          {ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict, ErrorId::IdempotencyMismatch});
}

Route ReleaseHold() {
  return Route("POST", "/api/credits/holds/{id}/release", "releaseHold", "credits")
      .Summary(
          "Makes a hold available again; released or expired already, it stays so. Needs "
          "credits.debit.")
      .Writes("SELECT row_to_json(h) FROM latchkey.release_hold(" LATCHKEY_ACCOUNT
              ", $2::uuid) AS h")
      .As(Who::kBearer)
      .Takes(AccountInBody())
      .Takes(HoldId())
      .Returns("hold", "CreditHold")
      .Fails({ErrorId::Forbidden, ErrorId::NotFound, ErrorId::Conflict});
}

}  // namespace

std::vector<Route> CreditRoutes() {
  return {GetBalance(), ListTransactions(), GetUsage(),    Debit(),      DebitBatch(),
          Hold(),       ListHolds(),        CaptureHold(), ReleaseHold()};
}

}  // namespace latchkey
