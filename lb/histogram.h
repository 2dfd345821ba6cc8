// Histogram: how long things took, log-linear, in microseconds, with bounded error and size.
//
// Values below 32 us are exact; above, each power of two is cut into 32 equal buckets, so a bucket
// is at most 3.1 % wide. Beyond 2^32 us (71 minutes) everything falls into the last bucket.
// One thread writes, any thread reads: counters are relaxed atomics that only their owner changes.
#pragma once

#include "net/core/time.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sk::lb {

// A counter with one writer: no locked instruction on the request path.
class Cell {
 public:
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Histogram {
 public:
  static constexpr std::size_t kBuckets = 32 + 27 * 32;

  static constexpr std::size_t bucket_of(std::uint64_t us) {
    if (us < 32) {
      return static_cast<std::size_t>(us);
    }
    if (us >= std::uint64_t{1} << 32) {
      return kBuckets - 1;
    }
    const auto exponent = static_cast<unsigned>(std::bit_width(us) - 1);
    return 32 + (exponent - 5) * 32 + static_cast<std::size_t>((us >> (exponent - 5)) & 31);
  }
  // The smallest value of the bucket; of kBuckets: what lies beyond the last.
  static constexpr std::uint64_t lower_bound(std::size_t bucket) {
    if (bucket < 32) {
      return bucket;
    }
    const std::size_t exponent = (bucket - 32) / 32;
    return (32 + (bucket - 32) % 32) << exponent;
  }

  void record(Duration duration) {
    const std::int64_t us = duration.count() / 1000;
    const auto value = static_cast<std::uint64_t>(us > 0 ? us : 0);
    buckets_[bucket_of(value)].add();
    sum_us_.add(value);
  }

  std::uint64_t bucket(std::size_t index) const { return buckets_[index].read(); }
  std::uint64_t sum_us() const { return sum_us_.read(); }

 private:
  std::array<Cell, kBuckets> buckets_;
  Cell sum_us_;
};

// The sum of several histograms, for readers.
class HistogramSum {
 public:
  void add(const Histogram& histogram);
  std::uint64_t count() const { return count_; }
  std::uint64_t sum_us() const { return sum_us_; }
  // How many values are below `us`; exact where `us` is a power of two.
  std::uint64_t below(std::uint64_t us) const;
  // quantile: 0 to 1. The upper edge of the bucket that holds it, in microseconds; 0 if empty.
  std::uint64_t quantile_us(double quantile) const;

 private:
  std::array<std::uint64_t, Histogram::kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_us_ = 0;
};

}  // namespace sk::lb
