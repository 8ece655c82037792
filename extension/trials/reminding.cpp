// Reminders of trials that are about to end: a job for each, once per offset.
#include "extension/core/error.hpp"
#include "extension/core/json_object.hpp"
#include "extension/jobs/enqueue.hpp"
#include "extension/permissions/principal.hpp"
#include "extension/settings/settings.hpp"
#include "extension/trials/trials.hpp"

namespace latchkey::trials {

namespace {

constexpr settings::TextSetting kOffsets("trials.reminder_offsets");
constexpr int32_t kMaxRows = 10000;

struct Reminder {
  Uuid account_id;
  std::string plan;
  pg::Timestamp ends_at;
  int64_t seconds;  // the offset
};

// Of several offsets that have passed, the shortest: who was not reminded in time is reminded once.
// An offset that is as long as the trial is none.
std::vector<Reminder> FindDue(pg::Spi& spi, pg::Timestamp now, int32_t max_rows) {
  static pg::Statement statement(R"(
    SELECT t.account_id, t.plan, t.ends_at, min(extract(epoch FROM o.length))::bigint
      FROM (SELECT e::interval AS length FROM jsonb_array_elements_text($2::jsonb) AS e) AS o
      JOIN latchkey.trials t
        ON t.ends_at <= $1 + o.length AND t.starts_at < t.ends_at - o.length
       AND (t.reminded_seconds IS NULL OR extract(epoch FROM o.length) < t.reminded_seconds)
     WHERE t.status IN ('pending', 'active') AND t.starts_at <= $1 AND t.ends_at > $1
     GROUP BY t.account_id, t.plan, t.ends_at ORDER BY t.ends_at, t.account_id LIMIT $3)");
  const pg::Rows rows = spi.RunLatest(statement, now, kOffsets.Get(spi), int64_t{max_rows});
  std::vector<Reminder> reminders;
  for (uint64_t i = 0; i < rows.size(); ++i) {
    reminders.push_back({rows[i].Get<Uuid>(1), rows[i].Text(2), rows[i].Get<pg::Timestamp>(3),
                         rows[i].Get<int64_t>(4)});
  }
  return reminders;
}

// Not while somebody else changes the account: the next call finds it.
bool Note(pg::Spi& spi, const Reminder& reminder) {
  static pg::Statement lock(
      "SELECT 1 FROM latchkey.accounts WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED");
  static pg::Statement note(R"(
    UPDATE latchkey.trials SET reminded_seconds = $2
     WHERE account_id = $1 AND status IN ('pending', 'active')
       AND (reminded_seconds IS NULL OR reminded_seconds > $2))");
  if (spi.RunLatest(lock, reminder.account_id).empty()) return false;
  spi.RunLatest(note, reminder.account_id, reminder.seconds);
  return spi.affected() > 0;
}

void Enqueue(pg::Spi& spi, const Reminder& reminder) {
  const std::string facts = JsonObject()
                                .Add("plan", reminder.plan)
                                .Add("ends_at", reminder.ends_at.UnixSeconds())
                                .Add("offset_seconds", reminder.seconds)
                                .ToString();
  const pg::Param payload = pg::JsonParam(facts);
  jobs::NewJob job;
  job.type = "trial.reminder";
  job.payload = {payload.type, payload.value, false};
  jobs::Enqueue(spi, reminder.account_id, job);
}

}  // namespace

LATCHKEY_FUNCTION(remind_trials, kOpen) {
  const auto max_rows = args.Get<int32_t>(0, "max_rows");
  permissions::Require(args, "trials.write");
  if (max_rows < 1 || max_rows > kMaxRows) {
    throw Error(ErrorCode::kInvalidArgument, "max_rows must lie between 1 and 10000");
  }
  pg::RequireWritable("remind_trials()");
  pg::Spi spi;
  int32_t reminded = 0;
  for (const Reminder& reminder : FindDue(spi, pg::Now(), max_rows)) {
    if (!Note(spi, reminder)) continue;
    Enqueue(spi, reminder);
    ++reminded;
  }
  spi.Finish();
  return args.Return(reminded);
}

}  // namespace latchkey::trials
