// C++ values to Datums and back, each with the SQL type that it stands for.
#pragma once

#include "extension/core/uuid.hpp"
#include "extension/pg/fence.hpp"

namespace latchkey::pg {

// Microseconds since 2000-01-01 00:00 UTC, as the server counts.
struct Timestamp {
  int64_t micros = 0;

  friend bool operator<(Timestamp a, Timestamp b) { return a.micros < b.micros; }
  friend bool operator<=(Timestamp a, Timestamp b) { return a.micros <= b.micros; }
  friend bool operator==(Timestamp a, Timestamp b) { return a.micros == b.micros; }
  Timestamp operator+(int64_t duration_micros) const { return {micros + duration_micros}; }

  int64_t UnixSeconds() const;
  static Timestamp OfUnixSeconds(int64_t seconds);
  Timestamp TruncatedToSeconds() const { return {micros - micros % 1000000}; }
};

// The wall clock of the database server, read now: expiry takes effect at its instant.
Timestamp Now();
Timestamp NextUtcMidnight(Timestamp now);

// How long an interval is in microseconds; a month counts as 30 days. Saturates.
int64_t IntervalMicros(Datum interval);

// As the operator + does it: days and months by the session's time zone.
Timestamp AddInterval(Timestamp time, Datum interval);

// A byte string for a bytea.
struct Bytes {
  std::string_view view;
};
inline std::optional<Bytes> ToBytes(const std::optional<std::string>& bytes) {
  if (!bytes) return std::nullopt;
  return Bytes{*bytes};
}

// A Datum as it came: for types that only pass through (inet, jsonb).
struct Raw {
  Oid type = InvalidOid;
  Datum value = 0;
  bool is_null = true;
};

struct Param {
  Oid type;
  Datum value;
  bool is_null;
};

Datum TextDatum(std::string_view text);
Datum UuidDatum(const Uuid& id);

inline Param ToParam(std::string_view text) { return {TEXTOID, TextDatum(text), false}; }
inline Param ToParam(const std::string& text) { return ToParam(std::string_view(text)); }
inline Param ToParam(const char* text) { return ToParam(std::string_view(text)); }
inline Param ToParam(Bytes bytes) { return {BYTEAOID, TextDatum(bytes.view), false}; }
inline Param ToParam(const Uuid& id) { return {UUIDOID, UuidDatum(id), false}; }
inline Param ToParam(Timestamp time) {
  return {TIMESTAMPTZOID, TimestampTzGetDatum(time.micros), false};
}
inline Param ToParam(int64_t number) { return {INT8OID, Int64GetDatum(number), false}; }
inline Param ToParam(int32_t number) { return {INT4OID, Int32GetDatum(number), false}; }
inline Param ToParam(bool flag) { return {BOOLOID, BoolGetDatum(flag), false}; }
inline Param ToParam(const Raw& raw) { return {raw.type, raw.value, raw.is_null}; }

template <typename T>
constexpr Oid OidOf() {
  if constexpr (std::is_same_v<T, Uuid>)
    return UUIDOID;
  else if constexpr (std::is_same_v<T, Timestamp>)
    return TIMESTAMPTZOID;
  else if constexpr (std::is_same_v<T, int64_t>)
    return INT8OID;
  else if constexpr (std::is_same_v<T, int32_t>)
    return INT4OID;
  else if constexpr (std::is_same_v<T, bool>)
    return BOOLOID;
  else if constexpr (std::is_same_v<T, Bytes>)
    return BYTEAOID;
  else
    return TEXTOID;
}

template <typename T>
Param ToParam(const std::optional<T>& value) {
  return value ? ToParam(*value) : Param{OidOf<T>(), 0, true};
}

// text, varchar, bytea: the bytes, detoasted when they need it. The view lives as long as the Datum
// or the current memory context.
std::string_view BytesOf(Datum datum);
std::string JsonText(Datum jsonb);  // as the server prints it: keys in its order, no duplicates
Param JsonParam(const std::string& json);

template <typename T>
T FromDatum(Datum datum) {
  if constexpr (std::is_same_v<T, Uuid>) {
    Uuid id;
    const pg_uuid_t* raw = DatumGetUUIDP(datum);
    for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = raw->data[i];
    return id;
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    return Timestamp{DatumGetTimestampTz(datum)};
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return DatumGetInt64(datum);
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return DatumGetInt32(datum);
  } else if constexpr (std::is_same_v<T, bool>) {
    return DatumGetBool(datum);
  } else {
    static_assert(std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>);
    return T(BytesOf(datum));
  }
}

}  // namespace latchkey::pg
