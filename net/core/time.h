// Instants and durations. Every Instant in the program is CLOCK_MONOTONIC, which libstdc++'s
// steady_clock is on Linux, so an Instant may cross the worker link: balancer and worker run on
// one host and share that clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace sk {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr Instant kNever = Instant::max();

// Nanoseconds since boot, the form in which deadlines travel. 0 stands for "none".
inline std::uint64_t to_monotonic_ns(Instant instant) {
  return instant == kNever ? 0 : static_cast<std::uint64_t>(instant.time_since_epoch().count());
}

inline Instant from_monotonic_ns(std::uint64_t ns) {
  constexpr auto kLatest = static_cast<std::uint64_t>(Duration::max().count());
  return ns == 0 || ns >= kLatest ? kNever : Instant(Duration(static_cast<std::int64_t>(ns)));
}

// base + duration without overflow: kNever stays kNever.
inline Instant after(Instant base, Duration duration) {
  return base >= kNever - duration ? kNever : base + duration;
}

}  // namespace sk
