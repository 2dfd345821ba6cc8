// Exact tails of the binomial distribution, through the regularised incomplete beta function.
//
// Counts may be fractions: a number of correlated requests is worth fewer independent ones, and the
// incomplete beta function continues the tails smoothly between whole numbers. Relative error below
// 1e-10 for n up to 1e8 (tests/bench_cpp/binomial_test.cpp), at a cost of about sqrt(n) steps.
#pragma once

namespace sk::bench {

// I_x(a, b) for a, b > 0 and 0 <= x <= 1.
[[nodiscard]] double incomplete_beta(double a, double b, double x);

// P(Bin(n, p) <= k); 0 for k < 0, 1 for k >= n.
[[nodiscard]] double binomial_at_most(double k, double n, double p);

// P(Bin(n, p) >= k); 1 for k <= 0, 0 for k > n.
[[nodiscard]] double binomial_at_least(double k, double n, double p);

}  // namespace sk::bench
