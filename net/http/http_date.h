// The Date field's value (IMF-fixdate, RFC 9110 5.6.7), made once per second and thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace sk {

inline constexpr std::size_t kHttpDateBytes = 29;

// "Sun, 06 Nov 1994 08:49:37 GMT". The view is valid until the next call on this thread with
// another second. Seconds since 1970 between year 1970 and 9999; outside it is clamped.
[[nodiscard]] std::string_view http_date(std::int64_t unix_seconds) noexcept;

}  // namespace sk
