#include "bench/stats/budget_verdict.h"

#include "bench/stats/binomial.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sk::bench {
namespace {

// The share lies so near to its limit that no run worth waiting for would tell.
constexpr std::uint64_t kRequestsNeededMax = 1'000'000'000;

// The smallest number in [low, high] for which `holds`, which must be false up to some number and
// true from there on; nothing where it holds for none.
template <typename Predicate>
std::optional<std::uint64_t> first_that(std::uint64_t low, std::uint64_t high, Predicate holds) {
  if (!holds(high)) {
    return std::nullopt;
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (holds(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

bool passes(double exceedances, double requests, double allowed) {
  return binomial_at_most(exceedances, requests, allowed) <= kTestLevel;
}

bool fails(double exceedances, double requests, double allowed) {
  return binomial_at_least(exceedances, requests, allowed) <= kTestLevel;
}

// Rounded up to two digits: the estimate is not better than that.
std::uint64_t rounded_up(std::uint64_t value) {
  std::uint64_t unit = 1;
  while (value / unit >= 100) {
    unit *= 10;
  }
  return (value + unit - 1) / unit * unit;
}

std::optional<std::uint64_t> needed(const LevelCounts& input, double share) {
  const auto decided = [&](std::uint64_t requests) {
    const double n = static_cast<double>(requests) / input.inflation;
    return share < input.allowed ? passes(share * n, n, input.allowed)
                                 : fails(share * n, n, input.allowed);
  };
  if (share == input.allowed) {
    return std::nullopt;
  }
  const auto count = first_that(1, kRequestsNeededMax, decided);
  if (!count) {
    return std::nullopt;
  }
  return rounded_up(share < input.allowed ? std::max(*count, input.requests_min) : *count);
}

bool enough_runs(std::uint32_t on_this_side, std::uint32_t runs) {
  return runs < kRunsThatVote ||
         static_cast<double>(on_this_side) >= kRunsOnOneSide * static_cast<double>(runs);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "PASS";
    case Outcome::fail:
      return "FAIL";
    case Outcome::inconclusive:
      return "INCONCLUSIVE";
  }
  std::unreachable();
}

Thresholds thresholds(std::uint64_t requests, double allowed, double inflation) {
  Thresholds limits;
  if (requests == 0) {
    return limits;
  }
  const double n = static_cast<double>(requests) / inflation;
  // The first count that does not pass any more; the one before is the last that does.
  const auto beyond = first_that(0, requests, [&](std::uint64_t count) {
    return !passes(static_cast<double>(count) / inflation, n, allowed);
  });
  if (beyond && *beyond > 0) {
    limits.pass_max = *beyond - 1;
  }
  limits.fail_min = first_that(0, requests, [&](std::uint64_t count) {
    return fails(static_cast<double>(count) / inflation, n, allowed);
  });
  return limits;
}

LevelResult judge_level(const LevelCounts& input) {
  LevelResult result;
  for (const Block& run : input.runs) {
    if (run.requests == 0) {
      continue;
    }
    result.requests += run.requests;
    result.exceedances += run.exceedances;
    result.runs += 1;
    if (static_cast<double>(run.exceedances) <= input.allowed * static_cast<double>(run.requests)) {
      result.runs_within += 1;
    }
  }
  if (result.requests == 0) {
    result.reason = "no request was measured";
    return result;
  }
  const double n = static_cast<double>(result.requests);
  result.effective_requests = n / input.inflation;
  result.limits = thresholds(result.requests, input.allowed, input.inflation);

  const bool few = result.limits.pass_max && result.exceedances <= *result.limits.pass_max;
  const bool many = result.limits.fail_min && result.exceedances >= *result.limits.fail_min;
  const bool enough = result.requests >= input.requests_min;
  if (many && enough_runs(result.runs - result.runs_within, result.runs)) {
    result.outcome = Outcome::fail;
  } else if (few && enough && enough_runs(result.runs_within, result.runs)) {
    result.outcome = Outcome::pass;
  } else if (many || (few && enough)) {
    result.reason = "the runs contradict each other";
  } else {
    result.reason =
        few ? "this level needs more requests to pass" : "too few requests to tell it from chance";
    result.requests_needed = needed(input, static_cast<double>(result.exceedances) / n);
    if (!result.requests_needed) {
      result.reason = "the share of slow requests lies on the limit";
    }
  }
  return result;
}

}  // namespace sk::bench
