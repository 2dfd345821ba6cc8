#include "bench/report/judge.h"
#include "bench/report/route_recorder.h"

#include <gtest/gtest.h>

#include <string>

namespace sk::bench {
namespace {

using namespace std::chrono_literals;

// A report of one route: `count` requests at 100/s, each of that latency and that Server-Timing.
Report measured(int count, Nanoseconds latency, std::optional<Nanoseconds> p99,
                std::string_view timing = {}) {
  Report report;
  RouteReport& route = report.routes.emplace_back();
  route.name = "slow";
  route.budget.limits[index_of(BudgetLevel::p99)] = p99;
  RouteRecorder recorder(route, 10s);
  recorder.begin_run(0);
  for (int i = 0; i < count; ++i) {
    RequestEnding ending;
    ending.intended = 10ms * i;
    ending.latency = latency + std::chrono::microseconds(i % 50);
    ending.status = 200;
    ending.server_timing = timing;
    recorder.record(ending);
  }
  recorder.end_run();
  return report;
}

TEST(Judge, AHandlerOf50MsViolatesAP99Of20MsAndTheStageIsNamed) {
  Report report = measured(1'000, 50ms, 20ms, "route;dur=0.1, handler;dur=49, total;dur=49.5");
  judge(report);
  EXPECT_EQ(report.outcome, Outcome::fail);
  EXPECT_EQ(exit_code(report), 1);
  const LevelVerdict& verdict = report.routes[0].verdicts.at(0);
  ASSERT_TRUE(verdict.top_stage);
  EXPECT_EQ(verdict.top_stage->name, "handler");
  EXPECT_GT(verdict.top_stage->share, 0.9);
}

TEST(Judge, WithABudgetOf100MsItPasses) {
  Report report = measured(1'000, 50ms, 100ms);
  judge(report);
  EXPECT_EQ(exit_code(report), 0);
}

TEST(Judge, WithAHundredRequestsNothingIsConcluded) {
  Report report = measured(100, 50ms, 100ms);
  judge(report);
  EXPECT_EQ(exit_code(report), 2);
  EXPECT_TRUE(report.routes[0].verdicts.at(0).requests_needed);
}

TEST(Judge, ALateGeneratorMakesTheRunInvalid) {
  Report report = measured(1'000, 50ms, 100ms);
  for (int i = 0; i < 1'000; ++i) {
    report.lag.record(i < 980 ? 10'000 : 6'000'000);  // p99 6 ms; 5 % of 100 ms are allowed
  }
  judge(report);
  EXPECT_EQ(exit_code(report), 3);
  ASSERT_EQ(report.invalid_reasons.size(), 1U);
  EXPECT_NE(report.invalid_reasons[0].find("late"), std::string::npos);
  EXPECT_EQ(*report.lag_limit, 5ms);
}

TEST(Judge, ARouteThatAnswers404IsInvalidAndSaysSo) {
  Report report;
  RouteReport& route = report.routes.emplace_back();
  route.name = "gone";
  route.budget.limits[index_of(BudgetLevel::p99)] = 20ms;
  RouteRecorder recorder(route, 10s);
  recorder.begin_run(0);
  for (int i = 0; i < 500; ++i) {
    RequestEnding ending;
    ending.intended = 10ms * i;
    ending.latency = 1ms;
    ending.status = 404;
    ending.failure = Failure::status;
    recorder.record(ending);
  }
  recorder.end_run();
  judge(report);
  EXPECT_EQ(exit_code(report), 3);
  ASSERT_EQ(report.invalid_reasons.size(), 1U);
  EXPECT_NE(report.invalid_reasons[0].find("404"), std::string::npos);
  EXPECT_NE(report.invalid_reasons[0].find("gone"), std::string::npos);
}

TEST(Judge, RequestsThatExpiredViolateTheBudgetInsteadOfMakingTheRunInvalid) {
  Report report;
  RouteReport& route = report.routes.emplace_back();
  route.name = "expires";
  route.budget.limits[index_of(BudgetLevel::p99)] = 20ms;
  RouteRecorder recorder(route, 10s);
  recorder.begin_run(0);
  for (int i = 0; i < 500; ++i) {
    RequestEnding ending;
    ending.intended = 10ms * i;
    ending.latency = i % 10 == 0 ? 25ms : 2ms;
    ending.status = i % 10 == 0 ? 504 : 200;
    if (i % 10 == 0) {
      ending.failure = Failure::expired;
    }
    recorder.record(ending);
  }
  recorder.end_run();
  judge(report);
  EXPECT_EQ(exit_code(report), 1);
}

TEST(Judge, ARouteWithoutRequestsIsInvalid) {
  Report report;
  report.routes.emplace_back().name = "idle";
  judge(report);
  EXPECT_EQ(exit_code(report), 3);
}

TEST(Judge, TheWorstRouteDecidesAndAnInvalidRunDecidesNothing) {
  Report report = measured(1'000, 50ms, 100ms);
  report.routes.push_back(measured(100, 50ms, 100ms).routes[0]);
  report.routes.push_back(measured(1'000, 50ms, 20ms).routes[0]);
  judge(report);
  EXPECT_EQ(exit_code(report), 1);
  Report capped = measured(1'000, 50ms, 100ms);
  capped.invalid_reasons.push_back("the cap was hit");
  judge(capped);
  EXPECT_EQ(exit_code(capped), 3);
}

TEST(Judge, SlowRequestsInClustersAreWorthLess) {
  // 1 % of the requests exceed the limit in both; in one they all fall into three seconds of sixty.
  const auto with_slow = [](auto is_slow) {
    Report report;
    RouteReport& route = report.routes.emplace_back();
    route.budget.limits[index_of(BudgetLevel::p99)] = 20ms;
    RouteRecorder recorder(route, 10s);
    recorder.begin_run(0);
    for (int i = 0; i < 6'000; ++i) {
      RequestEnding ending;
      ending.intended = 10ms * i;
      ending.latency = is_slow(i) ? 30ms : 2ms;
      ending.status = 200;
      recorder.record(ending);
    }
    recorder.end_run();
    judge(report);
    return report.routes[0].verdicts.at(0);
  };
  const LevelVerdict spread = with_slow([](int i) { return i % 100 == 99; });
  const LevelVerdict clustered = with_slow([](int i) { return i % 2'000 < 20; });
  EXPECT_EQ(spread.exceedances, clustered.exceedances);
  EXPECT_LT(spread.inflation, 2);
  EXPECT_GT(clustered.inflation, 10);
  EXPECT_LT(clustered.effective_requests, spread.effective_requests / 5);
}

TEST(Judge, TheSameNumbersGiveTheSameVerdict) {
  Report a = measured(1'000, 50ms, 50ms);
  Report b = a;
  judge(a);
  judge(b);
  EXPECT_EQ(a.routes[0].verdicts[0].inflation, b.routes[0].verdicts[0].inflation);
}

TEST(Judge, ComparisonsCountOnlyPairsThatCount) {
  Report report;
  CompareMetric& metric = report.compare.emplace().metrics.emplace_back();
  for (int i = 0; i < 11; ++i) {
    metric.pairs.push_back({10, 8 + 0.01 * i, true, ""});
  }
  metric.pairs.push_back({10, 100, false, "steal 9 %"});
  metric.pairs.push_back({0, 100, true, ""});
  judge(report);
  EXPECT_EQ(metric.pairs_counted, 11U);
  EXPECT_NEAR(metric.ratio, 0.805, 1e-9);
  EXPECT_TRUE(metric.differs);
}

}  // namespace
}  // namespace sk::bench
