#include "bench/stats/variance_inflation.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sk::bench {
namespace {

TEST(VarianceInflation, IndependentRequestsHaveAboutOne) {
  std::mt19937_64 random(1);
  std::binomial_distribution<std::uint64_t> slow(200, 0.01);
  std::vector<Block> blocks;
  for (int i = 0; i < 600; ++i) {
    blocks.push_back({200, slow(random)});
  }
  const double inflation = variance_inflation(blocks, 7);
  EXPECT_GE(inflation, 1.0);
  EXPECT_LT(inflation, 1.25);
}

TEST(VarianceInflation, ExceedancesInGroupsOfTenHaveAboutTen) {
  std::mt19937_64 random(2);
  std::binomial_distribution<std::uint64_t> groups(100, 0.01);
  std::vector<Block> blocks;
  for (int i = 0; i < 1'000; ++i) {
    blocks.push_back({1'000, 10 * groups(random)});
  }
  EXPECT_NEAR(variance_inflation(blocks, 7), 10, 1.5);
}

TEST(VarianceInflation, OneBadSecondMakesItsRequestsWorthAboutOne) {
  std::vector<Block> blocks(60, Block{200, 0});
  blocks[17].exceedances = 120;
  EXPECT_GT(variance_inflation(blocks, 7), 80);
}

TEST(VarianceInflation, IsNeverBelowOneAndOneWhereThereIsNothingToSee) {
  EXPECT_EQ(variance_inflation({}, 1), 1);
  EXPECT_EQ(variance_inflation(std::vector<Block>{{100, 3}}, 1), 1);
  EXPECT_EQ(variance_inflation(std::vector<Block>(50, Block{100, 0}), 1), 1);
  EXPECT_EQ(variance_inflation(std::vector<Block>(50, Block{100, 100}), 1), 1);
  EXPECT_EQ(variance_inflation(std::vector<Block>(50, Block{100, 1}), 1), 1);  // too even
}

TEST(VarianceInflation, TheSameSeedGivesTheSameNumber) {
  std::vector<Block> blocks(90, Block{100, 0});
  for (std::size_t i = 0; i < blocks.size(); i += 7) {
    blocks[i].exceedances = i;
  }
  EXPECT_EQ(variance_inflation(blocks, 3), variance_inflation(blocks, 3));
  EXPECT_NEAR(variance_inflation(blocks, 3), variance_inflation(blocks, 4),
              0.3 * variance_inflation(blocks, 3));
}

TEST(VarianceInflation, ALongMeasurementIsJoinedToABoundedNumberOfBlocks) {
  std::mt19937_64 random(5);
  std::binomial_distribution<std::uint64_t> slow(50, 0.02);
  std::vector<Block> blocks;
  for (int i = 0; i < 50'000; ++i) {
    blocks.push_back({50, slow(random)});
  }
  EXPECT_LT(variance_inflation(blocks, 1), 1.3);
}

}  // namespace
}  // namespace sk::bench
