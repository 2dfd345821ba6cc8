#include "bench/stats/binomial.h"
#include "bench/stats/budget_verdict.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sk::bench {
namespace {

LevelResult judged(std::vector<Block> runs, double allowed = 0.01, double inflation = 1,
                   std::uint64_t requests_min = 0) {
  LevelCounts counts;
  counts.allowed = allowed;
  counts.inflation = inflation;
  counts.requests_min = requests_min;
  counts.runs = runs;
  return judge_level(counts);
}

TEST(BudgetVerdict, ThresholdsAreThoseOfTheExactBinomial) {
  struct Row {
    std::uint64_t requests;
    double allowed;
    std::uint64_t pass_max;
    std::uint64_t fail_min;
  };
  const Row table[] = {
      {3'000, 0.01, 20, 40},          {3'000, 0.001, 0, 7},      {10'000, 0.01, 83, 118},
      {10'000, 0.001, 4, 16},         {30'000, 0.01, 271, 330},  {30'000, 0.001, 20, 40},
      {100'000, 0.01, 948, 1'053},    {100'000, 0.001, 83, 118}, {1'000'000, 0.01, 9'836, 10'165},
      {1'000'000, 0.001, 947, 1'053},
  };
  for (const Row& row : table) {
    const Thresholds limits = thresholds(row.requests, row.allowed);
    EXPECT_EQ(limits.pass_max, row.pass_max) << row.requests << " " << row.allowed;
    EXPECT_EQ(limits.fail_min, row.fail_min) << row.requests << " " << row.allowed;
  }
}

TEST(BudgetVerdict, TheFirstNumberOfRequestsThatCanPassWithoutExceedance) {
  EXPECT_FALSE(thresholds(298, 0.01).pass_max);
  EXPECT_EQ(thresholds(299, 0.01).pass_max, 0U);
  EXPECT_FALSE(thresholds(2'994, 0.001).pass_max);
  EXPECT_EQ(thresholds(2'995, 0.001).pass_max, 0U);
}

TEST(BudgetVerdict, InflationDividesWhatTheRequestsAreWorth) {
  // 12,000 requests with inflation 4 are worth 3,000: 20/40 of those.
  const Thresholds limits = thresholds(12'000, 0.01, 4);
  ASSERT_TRUE(limits.pass_max && limits.fail_min);
  EXPECT_GE(*limits.pass_max, 4U * 20);
  EXPECT_LT(*limits.pass_max, 4U * 21);
  EXPECT_GT(*limits.fail_min, 4U * 39);
  EXPECT_LE(*limits.fail_min, 4U * 40);
}

TEST(BudgetVerdict, FewExceedancesPassManyFailAndBetweenNothingIsConcluded) {
  EXPECT_EQ(judged({{10'000, 83}}).outcome, Outcome::pass);
  EXPECT_EQ(judged({{10'000, 84}}).outcome, Outcome::inconclusive);
  EXPECT_EQ(judged({{10'000, 117}}).outcome, Outcome::inconclusive);
  EXPECT_EQ(judged({{10'000, 118}}).outcome, Outcome::fail);
}

TEST(BudgetVerdict, AHundredRequestsNeverPassAP99AndSayHowManyWould) {
  const LevelResult result = judged({{100, 0}});
  EXPECT_EQ(result.outcome, Outcome::inconclusive);
  EXPECT_EQ(result.requests_needed, 300U);  // 299, rounded up to two digits
  EXPECT_NE(result.reason, "");
}

TEST(BudgetVerdict, AP999NeedsTenThousandRequestsToPassButNotToFail) {
  EXPECT_EQ(judged({{9'999, 0}}, 0.001, 1, kRequestsMinP999).outcome, Outcome::inconclusive);
  EXPECT_EQ(judged({{9'999, 0}}, 0.001, 1, kRequestsMinP999).requests_needed, 10'000U);
  EXPECT_EQ(judged({{10'000, 0}}, 0.001, 1, kRequestsMinP999).outcome, Outcome::pass);
  EXPECT_EQ(judged({{3'000, 7}}, 0.001, 1, kRequestsMinP999).outcome, Outcome::fail);
}

TEST(BudgetVerdict, WithFiveRunsFourMustAgree) {
  // In the sum 0.5 % and plainly a pass; but in two of five runs it was not.
  EXPECT_EQ(judged({{4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 44}, {4'000, 44}}).outcome,
            Outcome::inconclusive);
  const LevelResult one_bad = judged({{4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 84}});
  EXPECT_EQ(one_bad.outcome, Outcome::pass);
  EXPECT_EQ(one_bad.runs_within, 4U);
  // One terrible run does not fail the other four.
  EXPECT_EQ(judged({{4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 900}}).outcome,
            Outcome::inconclusive);
  EXPECT_EQ(judged({{4'000, 4}, {4'000, 60}, {4'000, 60}, {4'000, 60}, {4'000, 90}}).outcome,
            Outcome::fail);
  // With fewer runs the sum decides.
  EXPECT_EQ(judged({{4'000, 4}, {4'000, 4}, {4'000, 4}, {4'000, 900}}).outcome, Outcome::fail);
}

TEST(BudgetVerdict, TheNumberItAsksForWouldDecideAtTheSameShare) {
  for (const std::uint64_t exceedances : {70U, 90U, 95U, 105U, 112U}) {
    for (const double inflation : {1.0, 2.5}) {
      const LevelResult result = judged({{10'000, exceedances}}, 0.01, inflation);
      if (result.outcome != Outcome::inconclusive) {
        continue;
      }
      ASSERT_TRUE(result.requests_needed) << exceedances;
      const auto scaled =
          static_cast<std::uint64_t>(std::llround(static_cast<double>(*result.requests_needed) /
                                                  10'000 * static_cast<double>(exceedances)));
      EXPECT_NE(judged({{*result.requests_needed, scaled}}, 0.01, inflation).outcome,
                Outcome::inconclusive)
          << exceedances << " needs " << *result.requests_needed;
    }
  }
}

TEST(BudgetVerdict, AShareOnTheLimitIsNeverDecided) {
  const LevelResult result = judged({{10'000, 100}});
  EXPECT_EQ(result.outcome, Outcome::inconclusive);
  EXPECT_FALSE(result.requests_needed);
  EXPECT_NE(result.reason.find("limit"), std::string::npos);
}

TEST(BudgetVerdict, NoRequestIsNoConclusion) {
  EXPECT_EQ(judged({}).outcome, Outcome::inconclusive);
  EXPECT_EQ(judged({{0, 0}}).outcome, Outcome::inconclusive);
}

}  // namespace
}  // namespace sk::bench
