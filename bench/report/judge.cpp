#include "bench/report/judge.h"

#include "bench/report/text.h"
#include "bench/stats/budget_verdict.h"
#include "bench/stats/ratio_interval.h"
#include "bench/stats/variance_inflation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sk::bench {
namespace {

std::vector<Block> seconds_over_limit(const RouteReport& route, BudgetLevel level) {
  std::vector<Block> blocks;
  for (const SecondRecord& second : route.seconds) {
    blocks.push_back({second.requests, second.over[index_of(level)]});
  }
  return blocks;
}

// Exceedances of the route's own quantile instead of the limit. Where a budget is kept with room
// nothing exceeds it, and nothing would tell how clustered slow requests are.
std::vector<Block> seconds_over_own_quantile(const RouteReport& route, double quantile) {
  const std::size_t bucket = LogLinearHistogram::index_of(route.latency.quantile(quantile));
  // Where all latencies lie in one bucket, "above it" is empty and the bucket itself must do.
  const bool above = route.latency.count_above(route.latency.quantile(quantile)) > 0;
  std::vector<Block> blocks;
  for (const SecondRecord& second : route.seconds) {
    const std::uint64_t over = above || bucket == 0 ? second.latency.count_above_bucket(bucket)
                                                    : second.latency.count_above_bucket(bucket - 1);
    blocks.push_back({second.requests, std::min(second.requests, over + second.failed)});
  }
  return blocks;
}

std::vector<Block> runs_over_limit(const RouteReport& route, BudgetLevel level) {
  std::map<std::uint32_t, Block> runs;
  for (const SecondRecord& second : route.seconds) {
    runs[second.run].requests += second.requests;
    runs[second.run].exceedances += second.over[index_of(level)];
  }
  std::vector<Block> blocks;
  for (const auto& [run, block] : runs) {
    blocks.push_back(block);
  }
  return blocks;
}

std::optional<TopStage> top_stage(const RouteReport& route, BudgetLevel level) {
  const StageReport* top = nullptr;
  Nanoseconds sum{0};
  for (const StageReport& stage : route.stages) {
    const Nanoseconds over = stage.over[index_of(level)];
    sum += over;
    if (top == nullptr || over > top->over[index_of(level)]) {
      top = &stage;
    }
  }
  if (top == nullptr || sum.count() == 0) {
    return std::nullopt;
  }
  return TopStage{top->name, static_cast<double>(top->over[index_of(level)].count()) /
                                 static_cast<double>(sum.count())};
}

LevelVerdict judge_one(const RouteReport& route, BudgetLevel level, Nanoseconds limit,
                       std::uint64_t seed) {
  const double quantile = quantile_of(level);
  LevelVerdict verdict;
  verdict.level = level;
  verdict.limit = limit;
  verdict.measured = Nanoseconds(static_cast<std::int64_t>(route.latency.quantile(quantile)));
  verdict.inflation =
      std::max(variance_inflation(seconds_over_limit(route, level), seed),
               variance_inflation(seconds_over_own_quantile(route, quantile), seed + 1));

  const std::vector<Block> runs = runs_over_limit(route, level);
  LevelCounts counts;
  counts.allowed = allowed_share(level);
  counts.requests_min = level == BudgetLevel::p999 ? kRequestsMinP999 : 0;
  counts.inflation = verdict.inflation;
  counts.runs = runs;
  LevelResult result = judge_level(counts);

  verdict.requests = result.requests;
  verdict.exceedances = result.exceedances;
  verdict.effective_requests = result.effective_requests;
  verdict.pass_max = result.limits.pass_max;
  verdict.fail_min = result.limits.fail_min;
  verdict.runs = result.runs;
  verdict.runs_within = result.runs_within;
  verdict.outcome = result.outcome;
  verdict.reason = std::move(result.reason);
  verdict.requests_needed = result.requests_needed;
  if (verdict.exceedances > 0) {
    verdict.top_stage = top_stage(route, level);
  }
  return verdict;
}

// FAIL before INCONCLUSIVE before PASS.
Outcome worse(Outcome a, Outcome b) {
  if (a == Outcome::fail || b == Outcome::fail) {
    return Outcome::fail;
  }
  return a == Outcome::inconclusive || b == Outcome::inconclusive ? Outcome::inconclusive
                                                                  : Outcome::pass;
}

std::optional<Nanoseconds> smallest_limit(const std::vector<RouteReport>& routes) {
  std::optional<Nanoseconds> smallest;
  for (const RouteReport& route : routes) {
    for (const auto& limit : route.budget.limits) {
      if (limit && (!smallest || *limit < *smallest)) {
        smallest = limit;
      }
    }
  }
  return smallest;
}

void check_lag(Report& report) {
  report.lag_p99 = Nanoseconds(static_cast<std::int64_t>(report.lag.quantile(0.99)));
  const auto smallest = smallest_limit(report.routes);
  if (!smallest) {
    return;
  }
  report.lag_limit =
      std::max(kLagLimitMin,
               Nanoseconds(std::llround(static_cast<double>(smallest->count()) * kLagShareMax)));
  if (report.lag.count() > 0 && report.lag_p99 > *report.lag_limit) {
    report.invalid_reasons.push_back(fmt::format(
        "the generator was late: its lag has a p99 of {}, above {} ({:.0f} % of the smallest "
        "budget, or 0.4 ms). Give it a core of its own, or send less",
        duration_text(report.lag_p99), duration_text(*report.lag_limit), kLagShareMax * 100));
  }
}

// "status 404 (1,234)": the failure that came most often, and what is known of it.
std::string main_failure(const RouteReport& route) {
  std::size_t most = kFailures;
  for (std::size_t i = 0; i < kFailures; ++i) {
    if (!is_late(static_cast<Failure>(i)) &&
        (most == kFailures || route.failures[i] > route.failures[most])) {
      most = i;
    }
  }
  std::string text(to_string(static_cast<Failure>(most)));
  if (static_cast<Failure>(most) == Failure::status) {
    const std::pair<const std::uint16_t, std::uint64_t>* commonest = nullptr;
    for (const auto& entry : route.statuses) {
      if ((entry.first < 200 || entry.first >= 300) && entry.first != 503 && entry.first != 504 &&
          (commonest == nullptr || entry.second > commonest->second)) {
        commonest = &entry;
      }
    }
    text += commonest != nullptr ? fmt::format(" {}", commonest->first) : "";
  }
  return text;
}

void check_failures(Report& report) {
  for (const RouteReport& route : report.routes) {
    if (route.requests == 0) {
      report.invalid_reasons.push_back(
          fmt::format("route {}: no request was sent", display_name(route.name)));
      continue;
    }
    std::uint64_t failed = 0;
    for (std::size_t i = 0; i < kFailures; ++i) {
      failed += is_late(static_cast<Failure>(i)) ? 0 : route.failures[i];
    }
    const double share = static_cast<double>(failed) / static_cast<double>(route.requests);
    if (share > kFailedShareMax) {
      report.invalid_reasons.push_back(
          fmt::format("route {}: {} of {} requests failed, most with: {}", display_name(route.name),
                      count_text(failed), count_text(route.requests), main_failure(route)));
    }
  }
}

void judge_comparison(CompareReport& compare) {
  for (CompareMetric& metric : compare.metrics) {
    std::vector<double> ratios;
    for (const ComparePair& pair : metric.pairs) {
      if (pair.counts && pair.a > 0 && pair.b > 0) {
        ratios.push_back(pair.b / pair.a);
      }
    }
    const RatioInterval interval = ratio_interval(ratios);
    metric.pairs_counted = static_cast<std::uint32_t>(interval.count);
    metric.ratio = interval.median;
    metric.ratio_low = interval.low;
    metric.ratio_high = interval.high;
    metric.confidence = interval.confidence;
    metric.differs = interval.confidence >= 0.95 && (interval.low > 1 || interval.high < 1);
  }
}

}  // namespace

void judge_route(RouteReport& route, std::uint64_t seed) {
  route.verdicts.clear();
  route.outcome = Outcome::pass;
  for (const BudgetLevel level : kAllBudgetLevels) {
    if (const auto& limit = route.budget.limit(level)) {
      route.verdicts.push_back(judge_one(route, level, *limit, seed));
      route.outcome = worse(route.outcome, route.verdicts.back().outcome);
    }
  }
}

void judge(Report& report) {
  report.outcome = Outcome::pass;
  for (RouteReport& route : report.routes) {
    judge_route(route, report.settings.seed);
    report.outcome = worse(report.outcome, route.outcome);
  }
  if (report.compare) {
    judge_comparison(*report.compare);
  }
  check_lag(report);
  check_failures(report);
}

}  // namespace sk::bench
