#include "bench/stats/ratio_interval.h"

#include "bench/stats/binomial.h"

#include <algorithm>
#include <vector>

namespace sk::bench {
namespace {

// Of the interval from the k-th lowest to the k-th highest of n values.
double confidence_of(std::size_t k, std::size_t n) {
  return std::max(
      0.0, 1 - 2 * binomial_at_most(static_cast<double>(k) - 1, static_cast<double>(n), 0.5));
}

}  // namespace

RatioInterval ratio_interval(std::span<const double> ratios, double confidence_min) {
  RatioInterval result;
  const std::size_t n = ratios.size();
  if (n == 0) {
    return result;
  }
  std::vector<double> sorted(ratios.begin(), ratios.end());
  std::ranges::sort(sorted);

  std::size_t k = 1;
  while (2 * (k + 1) <= n && confidence_of(k + 1, n) >= confidence_min) {
    ++k;
  }
  result.count = n;
  result.median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  result.low = sorted[k - 1];
  result.high = sorted[n - k];
  result.confidence = confidence_of(k, n);
  return result;
}

}  // namespace sk::bench
