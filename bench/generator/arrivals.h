// Arrivals: when each request of a run is due, decided before the run begins.
//
// An open loop: nothing that the target does moves an arrival. Each request has its own stream at
// its own rate, Poisson (independent clients) or constant (a metronome, its phase drawn so that the
// streams do not beat in step); the streams are merged. The same seed gives the same run.
#pragma once

#include "net/core/time.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sk::bench {

enum class ArrivalKind : std::uint8_t { poisson, constant };

struct Arrival {
  std::uint64_t at_ns = 0;    // since the run's start
  std::uint32_t request = 0;  // index into the scenario's requests

  friend bool operator==(const Arrival&, const Arrival&) = default;
};

// A run that would hold more is refused by its caller: 16 bytes each.
inline constexpr std::size_t kArrivalsMax = 50'000'000;

// How many arrivals to expect; compare with kArrivalsMax before planning.
[[nodiscard]] double expected_arrivals(std::span<const double> rates_per_s, Duration duration);

// rates_per_s: of each request, 0 for one that is not sent. In order of time.
[[nodiscard]] std::vector<Arrival> plan_arrivals(std::span<const double> rates_per_s,
                                                 Duration duration, ArrivalKind kind,
                                                 std::uint64_t seed);

}  // namespace sk::bench
