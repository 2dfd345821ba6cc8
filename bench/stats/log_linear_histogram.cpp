#include "bench/stats/log_linear_histogram.h"

#include <algorithm>
#include <cmath>

namespace sk::bench {
namespace {

// Which value in rising order, counted from 1, is the q-quantile of `count` values.
std::uint64_t rank_of(double q, std::uint64_t count) noexcept {
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count);
}

// The last bucket has no edge of its own: it also holds what was too long for any.
std::uint64_t edge_within(std::size_t index, std::uint64_t min, std::uint64_t max) noexcept {
  if (index + 1 == LogLinearHistogram::kBuckets) {
    return max;
  }
  return std::clamp(LogLinearHistogram::upper_edge(index), min, max);
}

}  // namespace

static_assert(LogLinearHistogram::index_of((1ULL << LogLinearHistogram::kWidthMax) - 1) + 1 ==
              LogLinearHistogram::kBuckets);
static_assert(LogLinearHistogram::upper_edge(LogLinearHistogram::kBuckets - 1) ==
              (1ULL << LogLinearHistogram::kWidthMax) - 1);

void LogLinearHistogram::merge(const LogLinearHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void LogLinearHistogram::merge(const SparseHistogram& other) noexcept {
  if (other.count_ == 0) {
    return;
  }
  for (const SparseHistogram::Bucket& bucket : other.buckets_) {
    counts_[bucket.index] += bucket.count;
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::uint64_t LogLinearHistogram::quantile(double q) const noexcept {
  if (count_ == 0) {
    return 0;
  }
  const std::uint64_t rank = rank_of(q, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) {
      return edge_within(i, min_, max_);
    }
  }
  return max_;
}

std::uint64_t LogLinearHistogram::count_above(std::uint64_t nanoseconds) const noexcept {
  std::uint64_t above = 0;
  for (std::size_t i = index_of(nanoseconds) + 1; i < kBuckets; ++i) {
    above += counts_[i];
  }
  return above;
}

SparseHistogram::SparseHistogram(const LogLinearHistogram& full)
    : count_(full.count_), sum_(full.sum_), min_(full.min()), max_(full.max_) {
  constexpr std::uint64_t kCountMax = std::numeric_limits<std::uint32_t>::max();
  for (std::size_t i = 0; i < LogLinearHistogram::kBuckets; ++i) {
    if (full.counts_[i] != 0) {
      buckets_.push_back({static_cast<std::uint32_t>(i),
                          static_cast<std::uint32_t>(std::min(full.counts_[i], kCountMax))});
    }
  }
  buckets_.shrink_to_fit();
}

std::uint64_t SparseHistogram::quantile(double q) const noexcept {
  if (count_ == 0) {
    return 0;
  }
  const std::uint64_t rank = rank_of(q, count_);
  std::uint64_t seen = 0;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen >= rank) {
      return edge_within(bucket.index, min_, max_);
    }
  }
  return max_;
}

std::uint64_t SparseHistogram::count_above_bucket(std::size_t bucket) const noexcept {
  std::uint64_t above = 0;
  for (auto it = buckets_.rbegin(); it != buckets_.rend() && it->index > bucket; ++it) {
    above += it->count;
  }
  return above;
}

}  // namespace sk::bench
