#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace sk::bench {

std::uint64_t LatencyHistogram::upper_edge(std::size_t index) {
  if (index < 2 * kSub) {
    return index;
  }
  const std::uint64_t shift = index / kSub - 1;
  const std::uint64_t mantissa = kSub + index % kSub;
  return ((mantissa + 1) << shift) - 1;
}

std::uint64_t LatencyHistogram::quantile(double q) const {
  if (count_ == 0) {
    return 0;
  }
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return std::min(upper_edge(i), max_);
    }
  }
  return max_;
}

}  // namespace sk::bench
