// Does a route keep one level of its budget? Three answers, from counts of exceedances.
//
// A level "p99 <= 40 ms" says that at most 1 % of all requests take longer than 40 ms. Of n
// requests, X did. Not the measured quantile is compared (it would say yes half of the time where
// the truth lies on the limit) but X with what chance allows, at 5 % on either side:
//
//   PASS          P(Bin(n, 1 %) <= X) <= 0.05: if the share were 1 %, so few would be rare
//   FAIL          P(Bin(n, 1 %) >= X) <= 0.05: so many would be rare
//   INCONCLUSIVE  neither: more requests are needed
//
// n and X are divided by the inflation of the variance (variance_inflation.h) first. With five or
// more runs, four of five must lie on the verdict's side, so that one bad minute neither hides in
// the sum nor decides it. A p99.9 passes with 10,000 requests or more.
#pragma once

#include "bench/stats/variance_inflation.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sk::bench {

enum class Outcome : std::uint8_t { pass, fail, inconclusive };
[[nodiscard]] std::string_view to_string(Outcome outcome);  // "PASS", "FAIL", "INCONCLUSIVE"

inline constexpr double kTestLevel = 0.05;
inline constexpr std::uint64_t kRequestsMinP999 = 10'000;
inline constexpr std::uint32_t kRunsThatVote = 5;  // with fewer runs only the sum counts
inline constexpr double kRunsOnOneSide = 0.8;

struct Thresholds {
  std::optional<std::uint64_t> pass_max;  // exceedances at most; nothing: n is too small to pass
  std::optional<std::uint64_t> fail_min;  // exceedances at least; nothing: n is too small to fail
};

// allowed: the share of requests that may exceed, in (0, 1). inflation >= 1.
[[nodiscard]] Thresholds thresholds(std::uint64_t requests, double allowed, double inflation = 1);

struct LevelCounts {
  double allowed = 0.01;
  std::uint64_t requests_min = 0;  // to pass
  double inflation = 1;
  std::span<const Block> runs;  // each run's sums
};

struct LevelResult {
  std::uint64_t requests = 0;
  std::uint64_t exceedances = 0;
  double effective_requests = 0;
  Thresholds limits;
  std::uint32_t runs = 0;         // that had requests
  std::uint32_t runs_within = 0;  // whose own share is at most what is allowed
  Outcome outcome = Outcome::inconclusive;
  std::string reason;  // of an inconclusive one
  // How many requests would decide, if share and inflation stay what they were. Nothing where no
  // number would (the share lies on the limit, or the runs contradict each other).
  std::optional<std::uint64_t> requests_needed;
};

[[nodiscard]] LevelResult judge_level(const LevelCounts& input);

}  // namespace sk::bench
