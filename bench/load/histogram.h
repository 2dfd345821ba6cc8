#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sk::bench {

// LatencyHistogram counts durations in nanoseconds in log-linear buckets: 128 per power of two, so
// that a quantile is never more than 0.8 % above the truth, from 1 ns to 2^41 ns (36 minutes).
// Fixed size (about 36 KiB), no allocation, not thread-safe. Longer durations land in the last
// bucket; `max()` stays exact.
class LatencyHistogram {
 public:
  void record(std::uint64_t nanoseconds) {
    counts_[index_of(nanoseconds)] += 1;
    count_ += 1;
    sum_ += nanoseconds;
    max_ = nanoseconds > max_ ? nanoseconds : max_;
  }

  // The smallest bucket edge that at least `q` (0..1) of all values do not exceed; 0 when empty.
  std::uint64_t quantile(double q) const;

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  double mean() const {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

 private:
  static constexpr unsigned kSubBits = 7;  // 2^7 buckets per power of two
  static constexpr std::uint64_t kSub = 1U << kSubBits;
  static constexpr unsigned kShiftMax = 33;
  static constexpr std::size_t kBuckets = (kShiftMax + 2) * kSub;

  // Values below 2*kSub have a bucket of their own; above, each power of two is cut into kSub
  // parts.
  static std::size_t index_of(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
    if (shift > kShiftMax) {
      return kBuckets - 1;
    }
    return static_cast<std::size_t>(shift * kSub + (value >> shift));
  }
  static std::uint64_t upper_edge(std::size_t index);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sk::bench
