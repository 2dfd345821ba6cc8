#include "bench/generator/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace sk::bench {
namespace {

using std::chrono_literals::operator""s;

TEST(Arrivals, TheSameSeedGivesTheSameRunAndAnotherSeedAnother) {
  const std::vector<double> rates{300, 20};
  const auto first = plan_arrivals(rates, 5s, ArrivalKind::poisson, 7);
  EXPECT_EQ(first, plan_arrivals(rates, 5s, ArrivalKind::poisson, 7));
  EXPECT_NE(first, plan_arrivals(rates, 5s, ArrivalKind::poisson, 8));
}

TEST(Arrivals, StandInOrderOfTimeWithinTheRun) {
  for (const ArrivalKind kind : {ArrivalKind::poisson, ArrivalKind::constant}) {
    const auto arrivals = plan_arrivals(std::vector<double>{100, 250, 0}, 4s, kind, 3);
    EXPECT_TRUE(std::ranges::is_sorted(arrivals, {}, &Arrival::at_ns));
    ASSERT_FALSE(arrivals.empty());
    EXPECT_LT(arrivals.back().at_ns, 4'000'000'000U);
    EXPECT_EQ(std::ranges::count(arrivals, 2U, &Arrival::request), 0)
        << "a rate of 0 sends nothing";
  }
}

TEST(Arrivals, EachRequestComesAtItsOwnRate) {
  const std::vector<double> rates{400, 50};
  const auto arrivals = plan_arrivals(rates, 100s, ArrivalKind::poisson, 11);
  for (std::uint32_t request = 0; request < rates.size(); ++request) {
    const double wanted = rates[request] * 100;
    const auto seen = static_cast<double>(std::ranges::count(arrivals, request, &Arrival::request));
    EXPECT_NEAR(seen, wanted, 5 * std::sqrt(wanted))
        << "five standard deviations of a Poisson count";
  }
}

TEST(Arrivals, PoissonGapsAreExponentialAndConstantOnesAreEqual) {
  const auto gaps = [](ArrivalKind kind) {
    const auto arrivals = plan_arrivals(std::vector<double>{1000}, 50s, kind, 5);
    std::vector<double> out;
    for (std::size_t i = 1; i < arrivals.size(); ++i) {
      out.push_back(static_cast<double>(arrivals[i].at_ns - arrivals[i - 1].at_ns) / 1e6);
    }
    return out;
  };
  // P(gap > mean) is 1/e where arrivals know nothing of each other.
  const auto poisson = gaps(ArrivalKind::poisson);
  const auto longer = std::ranges::count_if(poisson, [](double gap) { return gap > 1.0; });
  EXPECT_NEAR(static_cast<double>(longer) / static_cast<double>(poisson.size()), std::exp(-1),
              0.01);
  for (const double gap : gaps(ArrivalKind::constant)) {
    EXPECT_NEAR(gap, 1.0, 1e-3);
  }
}

}  // namespace
}  // namespace sk::bench
