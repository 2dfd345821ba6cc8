// The median of paired ratios and an exact interval for it.
//
// Two things measured beside each other share whatever the machine did meanwhile, so their ratio
// repeats where the values do not. The interval is that of the sign test: it lies between two of
// the sorted ratios, assumes nothing about their distribution, and its confidence is exact.
#pragma once

#include <cstddef>
#include <span>

namespace sk::bench {

struct RatioInterval {
  std::size_t count = 0;
  double median = 0;
  double low = 0;
  double high = 0;
  // P(the interval holds the true median), 0..1: at least what was asked for, where so few ratios
  // can give that; else that of the widest interval there is, from the lowest to the highest.
  double confidence = 0;
};

// ratios: finite; any order. All zero where there is none.
[[nodiscard]] RatioInterval ratio_interval(std::span<const double> ratios,
                                           double confidence_min = 0.95);

}  // namespace sk::bench
