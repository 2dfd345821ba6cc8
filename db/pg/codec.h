// Codec<T>: how a C++ type travels to and from PostgreSQL in binary format.
//
//   std::int16_t, std::int32_t, std::int64_t   smallint, integer, bigint (reading also narrower
//   ones) bool, double                               boolean, double precision (reading also real)
//   std::string (reading), string_view,        text, varchar, char(n), name
//     const char* (writing)
//   Timestamp (sys_time<microseconds>)         timestamptz
//   Json                                       jsonb, json
//   std::optional<T>                           any of these, or NULL
//
// A codec has kType (the OID a parameter is declared with), accepts(Oid) for reading, kName for
// messages, encode() and decode(). Other layers may specialise it for types of their own.
#pragma once

#include "db/pg/row_set.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace sk::pg {

// Of pg_type; they never change.
inline constexpr Oid kBool = 16;
inline constexpr Oid kName = 19;
inline constexpr Oid kInt8 = 20;
inline constexpr Oid kInt2 = 21;
inline constexpr Oid kInt4 = 23;
inline constexpr Oid kText = 25;
inline constexpr Oid kJson = 114;
inline constexpr Oid kFloat4 = 700;
inline constexpr Oid kFloat8 = 701;
inline constexpr Oid kUnknown = 705;
inline constexpr Oid kBpchar = 1042;
inline constexpr Oid kVarchar = 1043;
inline constexpr Oid kTimestamptz = 1184;
inline constexpr Oid kJsonb = 3802;

// The same type as the application's: microseconds since 1970, UTC.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// A JSON document as text.
struct Json {
  std::string text = "null";
  friend bool operator==(const Json&, const Json&) = default;
};

template <typename T>
struct Codec;

// --- bytes, shared by the codecs ---

// Sign-extends a big-endian integer of 1 to 8 bytes; nothing for any other size.
[[nodiscard]] std::optional<std::int64_t> decode_integer(std::string_view bytes);
[[nodiscard]] std::optional<double> decode_float(const Cell& cell);
[[nodiscard]] std::optional<Timestamp> decode_timestamp(std::string_view bytes);
[[nodiscard]] std::optional<std::string_view> decode_json(const Cell& cell);
void encode_float(Parameters& out, double value);
void encode_timestamp(Parameters& out, Timestamp value);
void encode_json(Parameters& out, std::string_view text);

[[nodiscard]] constexpr bool is_text(Oid type) {
  return type == kText || type == kVarchar || type == kBpchar || type == kName || type == kUnknown;
}

// --- codecs ---

template <>
struct Codec<std::int16_t> {
  static constexpr Oid kType = kInt2;
  static constexpr std::string_view kName = "smallint";
  static bool accepts(Oid type) { return type == kInt2; }
  static void encode(Parameters& out, std::int16_t value) { out.add_integer(kInt2, value); }
  static bool decode(const Cell& cell, std::int16_t& value) {
    const auto number = decode_integer(cell.bytes);
    value = static_cast<std::int16_t>(number.value_or(0));
    return number.has_value();
  }
};

template <>
struct Codec<std::int32_t> {
  static constexpr Oid kType = kInt4;
  static constexpr std::string_view kName = "integer";
  static bool accepts(Oid type) { return type == kInt4 || type == kInt2; }
  static void encode(Parameters& out, std::int32_t value) { out.add_integer(kInt4, value); }
  static bool decode(const Cell& cell, std::int32_t& value) {
    const auto number = decode_integer(cell.bytes);
    value = static_cast<std::int32_t>(number.value_or(0));
    return number.has_value();
  }
};

template <>
struct Codec<std::int64_t> {
  static constexpr Oid kType = kInt8;
  static constexpr std::string_view kName = "bigint";
  static bool accepts(Oid type) { return type == kInt8 || type == kInt4 || type == kInt2; }
  static void encode(Parameters& out, std::int64_t value) { out.add_integer(kInt8, value); }
  static bool decode(const Cell& cell, std::int64_t& value) {
    const auto number = decode_integer(cell.bytes);
    value = number.value_or(0);
    return number.has_value();
  }
};

template <>
struct Codec<bool> {
  static constexpr Oid kType = kBool;
  static constexpr std::string_view kName = "boolean";
  static bool accepts(Oid type) { return type == kBool; }
  static void encode(Parameters& out, bool value) {
    out.add(kBool, value ? std::string_view("\1", 1) : std::string_view("\0", 1));
  }
  static bool decode(const Cell& cell, bool& value) {
    value = cell.bytes == std::string_view("\1", 1);
    return cell.bytes.size() == 1;
  }
};

template <>
struct Codec<double> {
  static constexpr Oid kType = kFloat8;
  static constexpr std::string_view kName = "double precision";
  static bool accepts(Oid type) { return type == kFloat8 || type == kFloat4; }
  static void encode(Parameters& out, double value) { encode_float(out, value); }
  static bool decode(const Cell& cell, double& value) {
    const auto number = decode_float(cell);
    value = number.value_or(0);
    return number.has_value();
  }
};

template <>
struct Codec<std::string_view> {  // writing only: read into std::string
  static constexpr Oid kType = kText;
  static void encode(Parameters& out, std::string_view value) { out.add(kText, value); }
};

template <>
struct Codec<std::string> {
  static constexpr Oid kType = kText;
  static constexpr std::string_view kName = "text";
  static bool accepts(Oid type) { return is_text(type); }
  static void encode(Parameters& out, const std::string& value) { out.add(kText, value); }
  static bool decode(const Cell& cell, std::string& value) {
    value = cell.bytes;
    return true;
  }
};

template <>
struct Codec<Timestamp> {
  static constexpr Oid kType = kTimestamptz;
  static constexpr std::string_view kName = "timestamptz";
  static bool accepts(Oid type) { return type == kTimestamptz; }
  static void encode(Parameters& out, Timestamp value) { encode_timestamp(out, value); }
  static bool decode(const Cell& cell, Timestamp& value) {
    const auto time = decode_timestamp(cell.bytes);
    value = time.value_or(Timestamp());
    return time.has_value();
  }
};

template <>
struct Codec<Json> {
  static constexpr Oid kType = kJsonb;
  static constexpr std::string_view kName = "jsonb";
  static bool accepts(Oid type) { return type == kJsonb || type == kJson; }
  static void encode(Parameters& out, const Json& value) { encode_json(out, value.text); }
  static bool decode(const Cell& cell, Json& value) {
    const auto text = decode_json(cell);
    value.text = text.value_or("null");
    return text.has_value();
  }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr Oid kType = Codec<T>::kType;
  static void encode(Parameters& out, const std::optional<T>& value) {
    if (value.has_value()) {
      Codec<T>::encode(out, *value);
    } else {
      out.add_null(kType);
    }
  }
};

template <typename T>
void add_parameter(Parameters& out, const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view> &&
                !std::is_same_v<T, std::string>) {
    Codec<std::string_view>::encode(out, value);
  } else {
    Codec<T>::encode(out, value);
  }
}

// $1, $2, ... from C++ values, in that order.
template <typename... Values>
[[nodiscard]] Parameters make_parameters(const Values&... values) {
  static_assert(sizeof...(Values) <= kParametersMax);
  Parameters out;
  (add_parameter(out, values), ...);
  return out;
}

}  // namespace sk::pg
