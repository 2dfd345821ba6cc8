#include "lb/histogram.h"

#include <cmath>

namespace sk::lb {

void HistogramSum::add(const Histogram& histogram) {
  for (std::size_t index = 0; index < Histogram::kBuckets; ++index) {
    const std::uint64_t value = histogram.bucket(index);
    buckets_[index] += value;
    count_ += value;
  }
  sum_us_ += histogram.sum_us();
}

std::uint64_t HistogramSum::below(std::uint64_t us) const {
  std::uint64_t sum = 0;
  for (std::size_t index = 0;
       index < Histogram::kBuckets && Histogram::lower_bound(index + 1) <= us; ++index) {
    sum += buckets_[index];
  }
  return sum;
}

std::uint64_t HistogramSum::quantile_us(double quantile) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < Histogram::kBuckets; ++index) {
    seen += buckets_[index];
    if (seen >= rank && seen > 0) {
      return Histogram::lower_bound(index + 1);
    }
  }
  return 0;
}

}  // namespace sk::lb
