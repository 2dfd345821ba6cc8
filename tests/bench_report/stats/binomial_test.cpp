#include "bench/stats/binomial.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sk::bench {
namespace {

// The tail by summing the masses, each from the one before: slow, and plainly right.
long double summed_at_most(int k, int n, long double p) {
  long double mass = std::pow(1 - p, static_cast<long double>(n));
  long double sum = mass;
  for (int i = 0; i < k; ++i) {
    mass *= static_cast<long double>(n - i) / static_cast<long double>(i + 1) * (p / (1 - p));
    sum += mass;
  }
  return sum;
}

void expect_close(double value, long double truth, double relative) {
  EXPECT_NEAR(value, static_cast<double>(truth), relative * static_cast<double>(truth));
}

TEST(Binomial, TailsAreTheSumsOfTheirMasses) {
  for (const int n : {1, 2, 7, 50, 300, 1000}) {
    for (const double p : {0.001, 0.01, 0.3, 0.5, 0.9}) {
      for (const int k : {0, 1, 2, n / 3, n / 2, n - 1}) {
        if (k < 0 || k >= n) {
          continue;
        }
        SCOPED_TRACE(testing::Message() << "n " << n << " p " << p << " k " << k);
        const long double truth = summed_at_most(k, n, p);
        expect_close(binomial_at_most(k, n, p), truth, 1e-11);
        EXPECT_NEAR(binomial_at_least(k + 1, n, p), static_cast<double>(1 - truth), 1e-13);
      }
    }
  }
}

TEST(Binomial, BothTailsMakeOneUpToAHundredMillion) {
  for (const double n : {1e5, 1e6, 1e8}) {
    for (const double p : {0.5, 0.01, 0.001}) {
      for (const double deviations : {-4.0, -1.0, 0.0, 1.0, 4.0}) {
        const double k = std::floor(n * p + deviations * std::sqrt(n * p * (1 - p)));
        EXPECT_NEAR(binomial_at_most(k, n, p) + binomial_at_least(k + 1, n, p), 1, 1e-11);
      }
    }
  }
}

// Reference: the Cornish-Fisher terms of the normal approximation with continuity correction, whose
// own error is of order 1/n here.
TEST(Binomial, TailsOfAHundredMillionAgreeWithTheirExpansion) {
  const double n = 1e8;
  for (const double p : {0.5, 0.01, 0.001}) {
    const double deviation = std::sqrt(n * p * (1 - p));
    const double skew = (1 - 2 * p) / deviation;
    for (const double z : {-3.0, -1.0, 0.0, 1.0, 3.0}) {
      const double k = std::floor(n * p + z * deviation);
      const double x = (k + 0.5 - n * p) / deviation;
      const double density = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
      const double expected = 0.5 * std::erfc(-x / std::sqrt(2)) - density * skew / 6 * (x * x - 1);
      EXPECT_NEAR(binomial_at_most(k, n, p), expected, 2e-6) << p << " " << z;
    }
  }
}

TEST(Binomial, NoExceedanceOfManyIsAPower) {
  expect_close(binomial_at_most(0, 2995, 0.001), std::pow(0.999L, 2995.0L), 1e-12);
  expect_close(binomial_at_most(0, 1e6, 1e-5), std::pow(1 - 1e-5L, 1e6L), 1e-9);
}

TEST(Binomial, EndsOfTheRangeAreCertain) {
  EXPECT_EQ(binomial_at_most(-1, 10, 0.5), 0);
  EXPECT_EQ(binomial_at_most(10, 10, 0.5), 1);
  EXPECT_EQ(binomial_at_least(0, 10, 0.5), 1);
  EXPECT_EQ(binomial_at_least(11, 10, 0.5), 0);
}

TEST(Binomial, FractionsLieBetweenTheirNeighbours) {
  double before = 0;
  for (double k = 0; k <= 12; k += 0.25) {
    const double now = binomial_at_most(k, 100, 0.05);
    EXPECT_GT(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace sk::bench
