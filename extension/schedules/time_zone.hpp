// Time zones, as PostgreSQL knows them, for schedules.
#pragma once

#include "extension/core/cron.hpp"
#include "extension/pg/datum.hpp"

namespace latchkey::schedules {

// The civil time in the named time zone. LK400 for a name that PostgreSQL doesn't know.
ToCivil ZoneOf(const std::string& name);

// The first time after `after` at which the expression comes true there.
pg::Timestamp NextDue(const Cron& cron, const ToCivil& zone, pg::Timestamp after);

}  // namespace latchkey::schedules
