#include "bench/stats/binomial.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sk::bench {
namespace {

// log(Gamma(n+1)) minus Stirling's formula. The difference of two large logarithms would lose the
// digits that matter for n = 1e8; this keeps them (C. Loader, "Fast and accurate computation of
// binomial probabilities", 2000).
double stirling_error(double n) {
  if (n < 16) {
    return std::lgamma(n + 1) - (n + 0.5) * std::log(n) + n - 0.5 * std::log(2 * std::numbers::pi);
  }
  const double square = n * n;
  return (1.0 / 12 -
          (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / square) / square) / square) /
              square) /
         n;
}

// x log(x/m) + m - x, for x near m without cancellation (the same paper).
double deviance(double x, double m) {
  if (std::abs(x - m) < 0.1 * (x + m)) {
    const double v = (x - m) / (x + m);
    double sum = (x - m) * v;
    double term = 2 * x * v;
    for (int i = 1; i < 1000; ++i) {
      term *= v * v;
      const double next = sum + term / (2 * i + 1);
      if (next == sum) {
        break;
      }
      sum = next;
    }
    return sum;
  }
  return x * std::log(x / m) + m - x;
}

// x^a (1-x)^b / B(a, b), for 0 < x < 1.
double beta_density_times(double a, double b, double x) {
  const double n = a + b;
  const double log_mass = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                          deviance(a, n * x) - deviance(b, n * (1 - x)) -
                          0.5 * std::log(2 * std::numbers::pi * a * b / n);
  return std::exp(log_mass) * a * b / n;
}

// The continued fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22). Converges quickly for
// x < (a+1)/(a+b+2), in about sqrt(max(a, b)) steps.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kStepsMax = 1'000'000;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };

  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int i = 1; i < kStepsMax; ++i) {
    const double m = i;
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    const double change = d * c;
    fraction *= change;
    if (std::abs(change - 1) < 4 * std::numeric_limits<double>::epsilon()) {
      break;
    }
  }
  return fraction;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) {
    return 0;
  }
  if (x >= 1) {
    return 1;
  }
  const double density = beta_density_times(a, b, x);
  const double value = x < (a + 1) / (a + b + 2) ? density * beta_fraction(a, b, x) / a
                                                 : 1 - density * beta_fraction(b, a, 1 - x) / b;
  return std::clamp(value, 0.0, 1.0);
}

double binomial_at_most(double k, double n, double p) {
  if (k < 0) {
    return 0;
  }
  return k >= n ? 1 : incomplete_beta(n - k, k + 1, 1 - p);
}

double binomial_at_least(double k, double n, double p) {
  if (k <= 0) {
    return 1;
  }
  return k > n ? 0 : incomplete_beta(k, n - k + 1, p);
}

}  // namespace sk::bench
