// A table kept in the backend, as settings, plans and signing keys are.
#include "extension/pg/args.hpp"
#include "extension/pg/table_cache.hpp"

namespace latchkey::fence_test {

namespace {
pg::TableCache cache("cached");
int64_t sum = 0;
}  // namespace

// cached_sum() → bigint: of latchkey.cached, read again only after a change.
LATCHKEY_FUNCTION(fence_cached_sum, kOpen) {
  static pg::Statement statement("SELECT number FROM latchkey.cached");
  pg::Spi spi;
  if (!cache.IsFresh()) {
    sum = 0;
    cache.Reload(spi, statement, [](const pg::Row& row) { sum += row.Get<int64_t>(1); });
  }
  spi.Finish();
  return args.Return(sum);
}

}  // namespace latchkey::fence_test
