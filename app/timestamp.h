// Timestamp is a point in time with microseconds, as PostgreSQL's timestamptz keeps it; its text is
// RFC 3339 in UTC: 2026-01-31T09:05:07.000120Z.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sk::app {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// Enough for any Timestamp, years of six digits included.
inline constexpr std::size_t kTimestampBytesMax = 32;

// Writes the text to out (at least kTimestampBytesMax bytes) and returns its length. Always six
// digits of fraction. Years outside 0000-9999 get a sign and six digits (ISO 8601, expanded form).
std::size_t format_timestamp(std::span<char> out, Timestamp time) noexcept;

// Reads RFC 3339: date, 'T' (or 't'), time, fraction of up to nine digits (cut to microseconds),
// and 'Z' or an offset. Nothing where the text is anything else, a 30th of February included; a
// leap second (:60) counts as the next one.
[[nodiscard]] std::optional<Timestamp> parse_timestamp(std::string_view text) noexcept;

}  // namespace sk::app
