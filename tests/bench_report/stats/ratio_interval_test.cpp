#include "bench/stats/ratio_interval.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sk::bench {
namespace {

TEST(RatioInterval, ElevenRatiosGiveTheSecondToTheTenth) {
  const std::vector<double> ratios = {1.10, 0.90, 1.00, 1.01, 1.02, 0.95,
                                      0.97, 1.05, 1.07, 0.99, 1.03};
  const RatioInterval interval = ratio_interval(ratios);
  EXPECT_EQ(interval.count, 11U);
  EXPECT_DOUBLE_EQ(interval.median, 1.01);
  EXPECT_DOUBLE_EQ(interval.low, 0.95);
  EXPECT_DOUBLE_EQ(interval.high, 1.07);
  EXPECT_NEAR(interval.confidence, 1 - 24.0 / 2048, 1e-12);
}

TEST(RatioInterval, TooFewRatiosSayHowLittleTheyAreSure) {
  const std::vector<double> five = {1, 2, 3, 4, 5};
  const RatioInterval interval = ratio_interval(five);
  EXPECT_DOUBLE_EQ(interval.low, 1);
  EXPECT_DOUBLE_EQ(interval.high, 5);
  EXPECT_NEAR(interval.confidence, 1 - 2.0 / 32, 1e-12);  // below 95 %
  const std::vector<double> one = {0.7};
  EXPECT_NEAR(ratio_interval(one).confidence, 0, 1e-12);
  EXPECT_EQ(ratio_interval({}).count, 0U);
}

TEST(RatioInterval, AnEvenNumberHasItsMedianInTheMiddle) {
  const std::vector<double> four = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(ratio_interval(four).median, 2.5);
}

// Skewed ratios with the median 1. Of 4,000 intervals the share that holds it must be the stated
// confidence, within 4 standard deviations.
TEST(RatioInterval, HoldsTheTrueMedianAsOftenAsItSays) {
  std::mt19937_64 random(20);
  std::lognormal_distribution<double> ratio(0, 0.4);
  for (const std::size_t pairs : {6U, 11U, 20U}) {
    int held = 0;
    double confidence = 0;
    constexpr int kTrials = 4'000;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<double> ratios(pairs);
      for (double& value : ratios) {
        value = ratio(random);
      }
      const RatioInterval interval = ratio_interval(ratios);
      confidence = interval.confidence;
      held += interval.low <= 1 && 1 <= interval.high ? 1 : 0;
    }
    const double deviation = std::sqrt(confidence * (1 - confidence) / kTrials);
    EXPECT_NEAR(static_cast<double>(held) / kTrials, confidence, 4 * deviation) << pairs;
    EXPECT_GE(confidence, 0.95);
  }
}

}  // namespace
}  // namespace sk::bench
