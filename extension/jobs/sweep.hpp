// What has to be done from time to time: jobs that come due, leases and timeouts that are over.
#pragma once

#include "extension/pg/spi.hpp"

namespace latchkey::jobs {

// As part of a claim: does what is due when this backend has not just done so.
void Tend(pg::Spi& spi);

}  // namespace latchkey::jobs
