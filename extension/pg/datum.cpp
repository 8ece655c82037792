// Conversions that allocate or detoast, and the clock.
#include "extension/pg/datum.hpp"

#include <cstring>

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
}

namespace latchkey::pg {

namespace {
constexpr int64_t kEpochSeconds = 946684800;  // 2000-01-01 as Unix time
constexpr int64_t kMicrosPerDay = int64_t{86400} * 1000000;
}  // namespace

int64_t Timestamp::UnixSeconds() const { return micros / 1000000 + kEpochSeconds; }

Timestamp Timestamp::OfUnixSeconds(int64_t seconds) {
  return {(seconds - kEpochSeconds) * 1000000};
}

Timestamp Now() { return {GetCurrentTimestamp()}; }

Timestamp NextUtcMidnight(Timestamp now) {
  return {now.micros - now.micros % kMicrosPerDay + kMicrosPerDay};
}

Datum TextDatum(std::string_view text) {
  const auto length = static_cast<int>(text.size());
  const char* data = text.data();
  return Call([=] { return PointerGetDatum(cstring_to_text_with_len(data, length)); });
}

Datum UuidDatum(const Uuid& id) {
  auto* raw = Call([] { return static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t))); });
  std::memcpy(raw->data, id.bytes.data(), id.bytes.size());
  return PointerGetDatum(raw);
}

std::string_view BytesOf(Datum datum) {
  const auto* raw = reinterpret_cast<const struct varlena*>(DatumGetPointer(datum));
  if (VARATT_IS_EXTERNAL(raw) || VARATT_IS_COMPRESSED(raw)) {
    raw = Call([=] { return const_cast<const struct varlena*>(PG_DETOAST_DATUM_PACKED(datum)); });
  }
  return {VARDATA_ANY(raw), VARSIZE_ANY_EXHDR(raw)};
}

std::string JsonText(Datum jsonb) {
  return Call([=] {
    Jsonb* document = DatumGetJsonbP(jsonb);
    return JsonbToCString(nullptr, &document->root, static_cast<int>(VARSIZE(document)));
  });
}

Param JsonParam(const std::string& json) {
  const char* text = json.c_str();
  return {JSONBOID, Call([=] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); }),
          false};
}

Timestamp AddInterval(Timestamp time, Datum interval) {
  return {Call([=] {
    return DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(time.micros), interval));
  })};
}

int64_t IntervalMicros(Datum interval) {
  const Interval* parts = DatumGetIntervalP(interval);
  constexpr int64_t kDay = int64_t{86400} * 1000000;
  const int64_t days = int64_t{parts->month} * 30 + parts->day;
  int64_t micros = 0;
  if (__builtin_mul_overflow(days, kDay, &micros) ||
      __builtin_add_overflow(micros, parts->time, &micros)) {
    return days < 0 ? INT64_MIN : INT64_MAX;
  }
  return micros;
}

}  // namespace latchkey::pg
