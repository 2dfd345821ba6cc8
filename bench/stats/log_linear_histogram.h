// LogLinearHistogram counts durations in log-linear buckets: 64 per power of two, so that a
// quantile is never below the truth and never more than 1.6 % above it, from 1 ns to 2^42 ns
// (73 minutes). Recording is a count of leading zeros, a shift and an increment.
//
// Fixed size (about 19 KiB), no allocation, not thread-safe; histograms of several threads, runs or
// seconds are merged. Count, sum, minimum and maximum are exact. A longer duration lands in the
// last bucket; the maximum still tells it.
//
// bench/load/histogram.h, the yardstick's own, stays apart on purpose: what compares us with others
// shares no code with what we measure ourselves by, so that one defect cannot hide in both.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace sk::bench {

class SparseHistogram;

class LogLinearHistogram {
 public:
  static constexpr unsigned kSubBits = 6;    // 2^6 buckets per power of two
  static constexpr unsigned kWidthMax = 42;  // bits of the longest duration with a bucket, in ns
  static constexpr double kRelativeErrorMax = 1.0 / (1U << kSubBits);
  static constexpr std::size_t kBuckets = (kWidthMax - kSubBits + 1) << kSubBits;

  void record(std::uint64_t nanoseconds) noexcept { record(nanoseconds, 1); }
  void record(std::uint64_t nanoseconds, std::uint64_t times) noexcept {
    counts_[index_of(nanoseconds)] += times;
    count_ += times;
    sum_ += nanoseconds * times;
    min_ = nanoseconds < min_ ? nanoseconds : min_;
    max_ = nanoseconds > max_ ? nanoseconds : max_;
  }
  void merge(const LogLinearHistogram& other) noexcept;
  void merge(const SparseHistogram& other) noexcept;
  void reset() noexcept { *this = LogLinearHistogram{}; }

  // The smallest bucket edge that at least `q` (0..1) of all values do not exceed, never above the
  // maximum and never below the minimum; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(double q) const noexcept;
  // Values in buckets wholly above `nanoseconds`' own: at most the true number of values above it.
  [[nodiscard]] std::uint64_t count_above(std::uint64_t nanoseconds) const noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }  // ns
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept {
    return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }
  [[nodiscard]] std::uint64_t count_at(std::size_t bucket) const noexcept {
    return counts_[bucket];
  }

  // Values below 2^(kSubBits+1) have a bucket of their own; above, each power of two is cut in
  // 2^kSubBits parts.
  static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    if (width > kWidthMax) {
      return kBuckets - 1;
    }
    const unsigned shift = width > kSubBits + 1 ? width - (kSubBits + 1) : 0;
    return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(value >> shift);
  }
  // The largest value of a bucket.
  static constexpr std::uint64_t upper_edge(std::size_t index) noexcept {
    constexpr std::uint64_t kSub = 1U << kSubBits;
    if (index < 2 * kSub) {
      return index;
    }
    const std::uint64_t shift = (index >> kSubBits) - 1;
    return ((kSub + index % kSub + 1) << shift) - 1;
  }

 private:
  friend class SparseHistogram;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

// SparseHistogram is what is kept of a histogram that is over: its filled buckets only, since a
// run has one per route and second. Same buckets, same numbers.
class SparseHistogram {
 public:
  struct Bucket {
    std::uint32_t index;
    std::uint32_t count;  // a bucket of one second; a larger count stays at the type's maximum
  };

  SparseHistogram() = default;
  explicit SparseHistogram(const LogLinearHistogram& full);

  [[nodiscard]] std::uint64_t quantile(double q) const noexcept;
  // Values in buckets above number `bucket`.
  [[nodiscard]] std::uint64_t count_above_bucket(std::size_t bucket) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] const std::vector<Bucket>& buckets() const noexcept { return buckets_; }

 private:
  friend class LogLinearHistogram;

  std::vector<Bucket> buckets_;  // by rising index
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sk::bench
