// Properties over seeded draws: the error bound, exactness of what is exact, merging.

#include "bench/stats/log_linear_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace sk::bench {
namespace {

// Durations of every magnitude, some equal, some of one nanosecond.
std::vector<std::uint64_t> draws(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = 1 + random() % LogLinearHistogram::kWidthMax;
    values.push_back(random() >> (64 - bits));
    if (i % 7 == 0) {
      values.back() = values.front();
    }
  }
  return values;
}

LogLinearHistogram histogram_of(std::span<const std::uint64_t> values) {
  LogLinearHistogram histogram;
  for (const std::uint64_t value : values) {
    histogram.record(value);
  }
  return histogram;
}

void expect_same(const LogLinearHistogram& a, const LogLinearHistogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.sum(), b.sum());
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
  for (std::size_t i = 0; i < LogLinearHistogram::kBuckets; ++i) {
    ASSERT_EQ(a.count_at(i), b.count_at(i)) << "bucket " << i;
  }
}

TEST(LogLinearHistogram, EveryQuantileIsAtMostItsErrorAboveTheTruthAndNeverBelow) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    std::vector<std::uint64_t> values = draws(seed, 10'000);
    const LogLinearHistogram histogram = histogram_of(values);
    std::ranges::sort(values);
    for (const double q : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(q * 10'000)));
      const std::uint64_t truth = values[rank - 1];
      const std::uint64_t told = histogram.quantile(q);
      EXPECT_GE(told, truth) << "seed " << seed << " q " << q;
      EXPECT_LE(static_cast<double>(told),
                static_cast<double>(truth) * (1 + LogLinearHistogram::kRelativeErrorMax))
          << "seed " << seed << " q " << q;
    }
  }
  static_assert(LogLinearHistogram::kRelativeErrorMax <= 0.031);
}

TEST(LogLinearHistogram, CountSumMinimumAndMaximumAreExact) {
  const std::vector<std::uint64_t> values = draws(6, 5'000);
  const LogLinearHistogram histogram = histogram_of(values);
  std::uint64_t sum = 0;
  for (const std::uint64_t value : values) {
    sum += value;
  }
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.sum(), sum);
  EXPECT_EQ(histogram.min(), *std::ranges::min_element(values));
  EXPECT_EQ(histogram.max(), *std::ranges::max_element(values));
}

TEST(LogLinearHistogram, MergingIsRecordingEverythingInOne) {
  const std::vector<std::uint64_t> values = draws(7, 9'000);
  const std::span all(values);
  LogLinearHistogram merged = histogram_of(all.first(4'000));
  merged.merge(histogram_of(all.subspan(4'000)));
  expect_same(merged, histogram_of(all));

  LogLinearHistogram other_way = histogram_of(all.subspan(4'000));
  other_way.merge(histogram_of(all.first(4'000)));
  expect_same(other_way, merged);
}

TEST(LogLinearHistogram, MergingNothingChangesNothing) {
  const LogLinearHistogram full = histogram_of(draws(8, 100));
  LogLinearHistogram merged = full;
  merged.merge(LogLinearHistogram{});
  merged.merge(SparseHistogram{});
  expect_same(merged, full);
  LogLinearHistogram from_empty;
  from_empty.merge(full);
  expect_same(from_empty, full);
}

TEST(LogLinearHistogram, ASparseCopyHasTheSameNumbersAndComesBackWhole) {
  const LogLinearHistogram full = histogram_of(draws(9, 3'000));
  const SparseHistogram sparse(full);
  EXPECT_EQ(sparse.count(), full.count());
  EXPECT_EQ(sparse.max(), full.max());
  for (const double q : {0.0, 0.1, 0.5, 0.99, 1.0}) {
    EXPECT_EQ(sparse.quantile(q), full.quantile(q));
  }
  const std::uint64_t middle = full.quantile(0.5);
  EXPECT_EQ(sparse.count_above_bucket(LogLinearHistogram::index_of(middle)),
            full.count_above(middle));
  LogLinearHistogram back;
  back.merge(sparse);
  expect_same(back, full);
}

TEST(LogLinearHistogram, EdgesAndIndicesAreInverse) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < LogLinearHistogram::kBuckets; ++i) {
    const std::uint64_t edge = LogLinearHistogram::upper_edge(i);
    ASSERT_EQ(LogLinearHistogram::index_of(edge), i);
    if (i > 0) {
      ASSERT_EQ(LogLinearHistogram::index_of(before + 1), i);
    }
    before = edge;
  }
}

TEST(LogLinearHistogram, WhatIsTooLongForABucketIsStillCountedAndToldAsTheMaximum) {
  LogLinearHistogram histogram;
  histogram.record(1'000);
  histogram.record(1ULL << 60);
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.quantile(1), 1ULL << 60);
  EXPECT_EQ(histogram.quantile(0.5), 1'000U + 7U);  // 1,000 lies in [992, 1007]
}

TEST(LogLinearHistogram, AnEmptyOneSaysZero) {
  const LogLinearHistogram empty;
  EXPECT_EQ(empty.quantile(0.99), 0U);
  EXPECT_EQ(empty.min(), 0U);
  EXPECT_EQ(empty.mean(), 0.0);
  EXPECT_EQ(SparseHistogram(empty).quantile(0.5), 0U);
}

}  // namespace
}  // namespace sk::bench
