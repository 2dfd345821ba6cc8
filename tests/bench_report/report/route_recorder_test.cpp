#include "bench/report/route_recorder.h"

#include <gtest/gtest.h>

#include <string>

namespace sk::bench {
namespace {

using namespace std::chrono_literals;

struct Recording : testing::Test {
  Recording() { report.budget.limits = {5ms, 20ms, std::nullopt, 100ms}; }

  RequestEnding answered(Nanoseconds intended, Nanoseconds latency) {
    RequestEnding ending;
    ending.intended = intended;
    ending.latency = latency;
    ending.status = 200;
    return ending;
  }

  RouteReport report;
};

TEST_F(Recording, CountsWhatExceedsEachLimitExactly) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(0);
  recorder.record(answered(0s, 5ms));  // on the limit is within it
  recorder.record(answered(0s, 5ms + 1ns));
  recorder.record(answered(0s, 21ms));
  recorder.record(answered(0s, 101ms));
  recorder.end_run();
  EXPECT_EQ(report.requests, 4U);
  EXPECT_EQ(report.answered, 4U);
  EXPECT_EQ(report.in_time, 3U);
  EXPECT_EQ(report.over, (PerLevel{3, 2, 0, 1}));
}

TEST_F(Recording, AFailureExceedsEveryLimitHoweverQuickItCame) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(0);
  RequestEnding refused = answered(0s, 100us);
  refused.status = 404;
  refused.failure = Failure::status;
  recorder.record(refused);
  RequestEnding late = answered(0s, 100ms);
  late.status = 504;
  late.failure = Failure::expired;
  recorder.record(late);
  recorder.end_run();
  EXPECT_EQ(report.over, (PerLevel{2, 2, 0, 2}));
  EXPECT_EQ(report.answered, 0U);
  EXPECT_EQ(report.failures[index_of(Failure::status)], 1U);
  EXPECT_EQ(report.latency.count(), 1U);  // the quick 404 does not make the route look faster
  EXPECT_EQ(report.statuses.at(404), 1U);
}

TEST_F(Recording, SecondsAreThoseOfTheIntendedTimeInWhateverOrderRequestsEnd) {
  RouteRecorder recorder(report, 10s);
  for (std::uint32_t run = 0; run < 2; ++run) {
    recorder.begin_run(run);
    recorder.record(answered(2500ms, 1ms));
    recorder.record(answered(100ms, 30ms));
    recorder.record(answered(2900ms, 1ms));
    recorder.end_run();
  }
  ASSERT_EQ(report.seconds.size(), 4U);
  EXPECT_EQ(report.seconds[0].second, 0U);
  EXPECT_EQ(report.seconds[0].over, (PerLevel{1, 1, 0, 0}));
  EXPECT_EQ(report.seconds[1].second, 2U);
  EXPECT_EQ(report.seconds[1].requests, 2U);
  EXPECT_EQ(report.seconds[1].latency.count(), 2U);
  EXPECT_EQ(report.seconds[2].run, 1U);
}

TEST_F(Recording, ARequestOlderThanTheWindowIsCountedInTheOldestOpenSecond) {
  RouteRecorder recorder(report, 3s);
  recorder.begin_run(0);
  recorder.record(answered(0s, 1ms));
  recorder.record(answered(60s, 1ms));
  recorder.record(answered(1s, 59s));
  recorder.end_run();
  EXPECT_EQ(report.requests, 3U);
  std::uint64_t in_seconds = 0;
  for (const SecondRecord& second : report.seconds) {
    in_seconds += second.requests;
  }
  EXPECT_EQ(in_seconds, 3U);
}

TEST_F(Recording, StagesAreSummedAndTheServersTotalBecomesWhatLiesOutside) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(0);
  RequestEnding quick = answered(0s, 4ms);
  quick.server_timing = "pg;dur=1, total;dur=3";
  recorder.record(quick);
  RequestEnding slow = answered(0s, 30ms);
  slow.server_timing = "pg;dur=25, total;dur=28";
  recorder.record(slow);
  recorder.end_run();
  ASSERT_EQ(report.stages.size(), 2U);
  EXPECT_EQ(report.stages[0].name, "pg");
  EXPECT_EQ(report.stages[0].duration.sum(), 26'000'000U);
  EXPECT_EQ(report.stages[0].over[index_of(BudgetLevel::p99)], 25ms);
  EXPECT_EQ(report.stages[1].name, kStageOutside);
  EXPECT_EQ(report.stages[1].duration.sum(), 3'000'000U);
}

TEST_F(Recording, ATotalLongerThanTheLatencyLeavesNothingOutside) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(0);
  RequestEnding odd = answered(0s, 4ms);
  odd.server_timing = "total;dur=9";
  recorder.record(odd);
  recorder.end_run();
  EXPECT_EQ(report.stages.at(0).duration.sum(), 0U);
}

TEST_F(Recording, StagesAreBoundedWhateverTheServerInvents) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(0);
  for (int i = 0; i < 500; ++i) {
    const std::string timing = "stage" + std::to_string(i) + ";dur=1";
    RequestEnding ending = answered(0s, 4ms);
    ending.server_timing = timing;
    recorder.record(ending);
  }
  recorder.end_run();
  ASSERT_EQ(report.stages.size(), kStagesMax);
  EXPECT_EQ(report.stages.back().name, "other");
  EXPECT_EQ(report.stages.back().duration.count(), 500 - (kStagesMax - 1));
}

TEST_F(Recording, TheSlowestAreKeptWithTheirLedgersSlowestFirst) {
  RouteRecorder recorder(report, 10s);
  recorder.begin_run(3);
  for (int i = 1; i <= 100; ++i) {
    const std::string timing = "pg;dur=" + std::to_string(i);
    const std::string id = "req-" + std::to_string(i);
    RequestEnding ending = answered(std::chrono::milliseconds(i), std::chrono::milliseconds(i));
    ending.server_timing = timing;
    ending.request_id = id;
    recorder.record(ending);
  }
  recorder.end_run();
  ASSERT_EQ(report.worst.size(), kWorstRequestsMax);
  EXPECT_EQ(report.worst.front().latency, 100ms);
  EXPECT_EQ(report.worst.front().request_id, "req-100");
  EXPECT_EQ(report.worst.front().run, 3U);
  ASSERT_EQ(report.worst.front().ledger.size(), 1U);
  EXPECT_EQ(report.worst.front().ledger[0].duration, 100ms);
  EXPECT_EQ(report.worst.back().latency, 81ms);
}

}  // namespace
}  // namespace sk::bench
