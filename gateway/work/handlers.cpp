// The table of built-in jobs. Their schedules come with the extension
// (sql/modules/27_schedules.sql).
#include "gateway/work/handlers.hpp"

namespace latchkey {

const std::vector<JobHandler>& JobHandlers() {
  static const std::vector<JobHandler> table = {
      {"latchkey.purge_sessions", "SELECT latchkey.purge_expired_sessions()"},
      {"latchkey.expire_credits", "SELECT e.lots + e.holds FROM latchkey.expire_credits() AS e"},
      {"latchkey.apply_parked_events", "SELECT latchkey.apply_parked_events()"},
      {"latchkey.purge_jobs", "SELECT latchkey.purge_jobs()"},
      {"latchkey.maintain_events",
       "SELECT coalesce(sum(m.row_count), 0)::bigint FROM latchkey.maintain_events() AS m"},
  };
  return table;
}

const JobHandler* FindJobHandler(std::string_view type) {
  for (const JobHandler& handler : JobHandlers()) {
    if (type == handler.type) return &handler;
  }
  return nullptr;
}

std::string HandledTypes() {
  std::string types;
  for (const JobHandler& handler : JobHandlers()) {
    types += (types.empty() ? "{" : ",") + std::string(handler.type);
  }
  return types + "}";
}

}  // namespace latchkey
