#include "bench/generator/arrivals.h"

#include "bench/generator/random.h"

#include <algorithm>
#include <numeric>

namespace sk::bench {

double expected_arrivals(std::span<const double> rates_per_s, Duration duration) {
  return std::accumulate(rates_per_s.begin(), rates_per_s.end(), 0.0) *
         std::chrono::duration<double>(duration).count();
}

std::vector<Arrival> plan_arrivals(std::span<const double> rates_per_s, Duration duration,
                                   ArrivalKind kind, std::uint64_t seed) {
  std::vector<Arrival> arrivals;
  arrivals.reserve(static_cast<std::size_t>(expected_arrivals(rates_per_s, duration) * 1.1) + 16);
  const auto end_ns = static_cast<double>(duration.count());
  Random seeds(seed);
  for (std::size_t request = 0; request < rates_per_s.size(); ++request) {
    Random random(seeds.next());
    if (rates_per_s[request] <= 0) {
      continue;
    }
    const double gap_ns = 1e9 / rates_per_s[request];
    double at_ns = gap_ns * (kind == ArrivalKind::poisson ? random.exponential() : random.unit());
    while (at_ns < end_ns && arrivals.size() < kArrivalsMax) {
      arrivals.push_back({static_cast<std::uint64_t>(at_ns), static_cast<std::uint32_t>(request)});
      at_ns += gap_ns * (kind == ArrivalKind::poisson ? random.exponential() : 1.0);
    }
  }
  std::ranges::sort(arrivals, [](const Arrival& a, const Arrival& b) {
    return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.request < b.request;
  });
  return arrivals;
}

}  // namespace sk::bench
