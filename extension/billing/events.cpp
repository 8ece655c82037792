// Keeping events, and what became of each.
#include "extension/billing/events.hpp"

#include "extension/billing/applying.hpp"
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/pg/subtransaction.hpp"

namespace latchkey::billing {

namespace {

// Errors that another attempt may not meet: Stripe, or whoever called, tries again.
bool MayPass(const Error& error) {
  const ErrorCode code = error.code();
  return code == ErrorCode::kTooBusy || code == ErrorCode::kNotConfigured ||
         code == ErrorCode::kConflict;
}

bool MayPass(const pg::BackendError& error) {
  const int category = ERRCODE_TO_CATEGORY(error.data()->sqlerrcode);
  return category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

void ApplyGuarded(Application& application) {
  pg::Subtransaction attempt(application.spi);
  std::string detail;
  try {
    Apply(application);
    attempt.Commit();
    return;
  } catch (const Error& error) {
    if (MayPass(error)) throw;
    detail = error.message();
  } catch (const pg::BackendError& error) {
    if (MayPass(error)) throw;
    detail = error.what();
    error.Free();
  }
  attempt.Rollback();
  application.Park("failed");
  application.outcome.detail = detail;
  application.notices.clear();
  application.appeared.clear();
}

// Only who gets it applied first tells of it, and only when it is parked for another reason than
// before is that news.
void NoteOutcome(Application& a) {
  static pg::Statement note(R"(
    UPDATE latchkey.billing_events
       SET outcome = $2, reason = $3, waits_for = $4, detail = $5,
           account_id = coalesce(account_id, $6)
     WHERE stripe_event_id = $1
       AND (outcome, reason, waits_for, detail, account_id)
           IS DISTINCT FROM ($2, $3, $4, $5, coalesce(account_id, $6)))");
  static pg::Statement first(R"(
    UPDATE latchkey.billing_events SET applied_at = $2
     WHERE stripe_event_id = $1 AND applied_at IS NULL)");
  std::optional<Uuid> account_id;
  if (a.has_account) account_id = a.account_id;
  const Outcome& o = a.outcome;
  a.spi.RunLatest(note, a.event.id, o.name, o.reason, o.waits_for, o.detail, account_id);
  const bool is_news = a.spi.affected() > 0;
  if (std::string_view(o.name) == "applied") {
    a.spi.RunLatest(first, a.event.id, pg::Now());
    if (a.spi.affected() == 0) return;
    for (const events::Event& notice : a.notices) events::Record(a.spi, notice);
  } else if (std::string_view(o.name) == "parked" && is_news) {
    JsonObject data;
    data.Add("type", a.event.type).Add("reason", *o.reason);
    if (o.waits_for) data.Add("waits_for", *o.waits_for);
    events::Record(a.spi, {events::kPlatform, "billing_event", a.event.id, "billing.event_parked",
                           data.ToString()});
  }
}

}  // namespace

// Most events are applied at once: so it is stored as applied, and what is parked gets into the
// indexes of those when its outcome is noted.
bool StoreEvent(pg::Spi& spi, const StripeEvent& event) {
  static pg::Statement statement(R"(
    INSERT INTO latchkey.billing_events (stripe_event_id, type, created_at, received_at,
                                         api_version, payload, outcome)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb, 'applied') ON CONFLICT DO NOTHING)");
  spi.RunLatest(statement, event.id, event.type, pg::Timestamp::OfUnixSeconds(event.created),
                pg::Now(), event.api_version, event.stored);
  return spi.affected() > 0;
}

StripeEvent LoadEvent(pg::Spi& spi, const std::string& event_id) {
  static pg::Statement statement(
      "SELECT payload::text FROM latchkey.billing_events WHERE stripe_event_id = $1");
  return ParseStripeEvent(spi.RunLatest(statement, event_id)[0].Text(1));
}

std::string ApplyStored(pg::Spi& spi, const std::string& event_id,
                        std::vector<std::string>& appeared) {
  const StripeEvent event = LoadEvent(spi, event_id);
  Application application{spi, event, {}, {}, false, {}, {}};
  ApplyGuarded(application);
  NoteOutcome(application);
  appeared.insert(appeared.end(), application.appeared.begin(), application.appeared.end());
  return application.outcome.name;
}

void ApplyWaiting(pg::Spi& spi, std::vector<std::string> appeared) {
  static pg::Statement statement(R"(
    SELECT stripe_event_id FROM latchkey.billing_events
     WHERE waits_for = $1 AND outcome = 'parked' ORDER BY created_at, stripe_event_id)");
  while (!appeared.empty()) {
    const std::string key = appeared.back();
    appeared.pop_back();
    std::vector<std::string> ids;
    const pg::Rows rows = spi.RunLatest(statement, key);
    for (uint64_t i = 0; i < rows.size(); ++i) ids.push_back(rows[i].Text(1));
    for (const std::string& id : ids) {
      pg::CheckInterrupts();
      ApplyStored(spi, id, appeared);
    }
  }
}

}  // namespace latchkey::billing
