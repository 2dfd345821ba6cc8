// What balancer and worker know about a request's time is joined into numbers that add up, whatever
// the worker claims.
#include "lb/stage_report.h"
#include "lb/stage_text.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>

namespace sk::lb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Instant at(int ms) { return Instant(milliseconds(5000 + ms)); }

// 2 ms choosing, 98 ms at the endpoint.
StageClock forwarded_at_2(int ended = 100) {
  StageClock clock;
  clock.start(Stage::route, at(0));
  clock.set_base(Stage::upstream, at(2));
  clock.advance(at(ended));
  return clock;
}

WorkerWord word(int entered, std::optional<Stage> present, StageTimes times, int asked) {
  WorkerStages stages;
  stages.entered = at(entered);
  stages.present = present;
  stages.times = times;
  return {stages, at(asked)};
}

StageTimes times_of(std::initializer_list<std::pair<Stage, int>> pairs) {
  StageTimes times;
  for (const auto& [stage, ms] : pairs) {
    times[stage] = milliseconds(ms);
  }
  return times;
}

TEST(StageReport, WithoutAWorkersWordTheEndpointHasItAll) {
  const StageTimes times = join_stages(forwarded_at_2(), at(2), {});
  EXPECT_EQ(times[Stage::route], milliseconds(2));
  EXPECT_EQ(times[Stage::upstream], milliseconds(98));
}

TEST(StageReport, AWorkersWordDividesTheEndpointsTime) {
  const StageTimes told = times_of({{Stage::handler, 10}, {Stage::pg, 60}});
  const StageTimes times = join_stages(forwarded_at_2(), at(2), word(22, {}, told, 95));
  EXPECT_EQ(times[Stage::worker_wait], milliseconds(20));
  EXPECT_EQ(times[Stage::handler], milliseconds(10));
  EXPECT_EQ(times[Stage::pg], milliseconds(60));
  EXPECT_EQ(times[Stage::write], milliseconds(8)) << "the way back";
  EXPECT_EQ(times[Stage::upstream], Duration::zero());
  EXPECT_EQ(times.sum(), milliseconds(100));
}

TEST(StageReport, ThePresentStageGrowsUntilTheWorkerWasAsked) {
  const StageTimes told = times_of({{Stage::handler, 8}});
  const StageTimes times = join_stages(forwarded_at_2(), at(2), word(2, Stage::redis, told, 100));
  EXPECT_EQ(times[Stage::redis], milliseconds(90));
  EXPECT_EQ(times.top(), Stage::redis);
}

TEST(StageReport, AWorkerThatHasNotBegunIsWaitedFor) {
  WorkerStages stages;
  stages.present = Stage::worker_wait;
  const StageTimes times = join_stages(forwarded_at_2(), at(2), {stages, at(100)});
  EXPECT_EQ(times[Stage::worker_wait], milliseconds(98));
}

TEST(StageReport, ASlowClientsBodyIsNotTheWorkers) {
  StageClock clock;
  clock.start(Stage::route, at(0));
  clock.set_base(Stage::upstream, at(2));
  clock.enter(Stage::read, at(3));
  clock.leave(Stage::read, at(83));
  clock.advance(at(100));
  const StageTimes told = times_of({{Stage::read, 80}, {Stage::handler, 10}, {Stage::pg, 5}});
  const StageTimes times = join_stages(clock, at(2), word(3, {}, told, 100));
  EXPECT_EQ(times[Stage::read], milliseconds(80));
  EXPECT_EQ(times[Stage::handler], milliseconds(10));
  EXPECT_EQ(times.sum(), milliseconds(100));
}

TEST(StageReport, ALyingWorkerCannotChangeTheSum) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    WorkerStages stages;
    stages.entered = random() % 4 == 0 ? kNever : Instant(Duration(random() >> 1));
    if (random() % 2 == 0) {
      stages.present = static_cast<Stage>(random() % kStages);
    }
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      stages.times[static_cast<Stage>(stage)] = microseconds(random() % (1ULL << 32));
    }
    const StageTimes times = join_stages(forwarded_at_2(), at(2), {stages, at(90)});
    ASSERT_EQ(times.sum(), milliseconds(100)) << "seed 3, round " << round;
    ASSERT_EQ(times[Stage::route], milliseconds(2));
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      ASSERT_GE(times[static_cast<Stage>(stage)], Duration::zero());
    }
  }
}

TEST(StageReport, TheStageOfADeadlineIsTheWorkersWhereItIsThere) {
  StageLedger ledger;
  EXPECT_EQ(present_stage(ledger, {}), Stage::route);
  ledger.mark(Step::forwarded, at(1));
  EXPECT_EQ(present_stage(ledger, {}), Stage::upstream);
  EXPECT_EQ(present_stage(ledger, word(1, Stage::pg, {}, 5)), Stage::pg);
  WorkerWord answered = word(1, {}, {}, 5);
  EXPECT_EQ(present_stage(ledger, answered), Stage::write);
  answered.stages->struck = Stage::redis;
  EXPECT_EQ(present_stage(ledger, answered), Stage::redis);
  ledger.clock.start(Stage::connect, at(0));
  EXPECT_EQ(present_stage(ledger, word(1, Stage::pg, {}, 5)), Stage::connect);
}

TEST(Budget, TheHighestLimitExceededIsNamed) {
  BudgetConfig budget;
  budget.p50 = 8ms;
  budget.p99 = 40ms;
  budget.deadline = 250ms;
  const auto worst = [&](int ms, bool expired = false) {
    return judge(budget, times_of({{Stage::pg, ms}}), expired).worst();
  };
  EXPECT_EQ(worst(8), std::nullopt);
  EXPECT_EQ(worst(9), Limit::p50);
  EXPECT_EQ(worst(41), Limit::p99);
  EXPECT_EQ(worst(251), Limit::deadline);
  EXPECT_EQ(worst(250, true), Limit::deadline);
  budget.deadline.reset();
  EXPECT_EQ(worst(9999), Limit::p99);
}

TEST(StageText, TheLogsPartIsJsonInItsForm) {
  BudgetConfig budget;
  budget.p99 = 40ms;
  const StageTimes times = times_of({{Stage::worker_wait, 1}, {Stage::pg, 51}});
  const BudgetVerdict verdict = judge(budget, times, false);
  EXPECT_EQ(StageText::for_log(verdict, Duration(250ms)).view(),
            ", \"budget\": {\"deadlineMs\": 250.000, \"spentMs\": 52.000, \"over\": \"p99\", "
            "\"topStage\": \"pg\", \"stages\": {\"worker_wait\": 1.000, \"pg\": 51.000}}");
  EXPECT_EQ(StageText::for_log(judge(budget, {}, false), std::nullopt).view(),
            ", \"budget\": {\"spentMs\": 0.000, \"over\": \"none\", \"topStage\": \"read\", "
            "\"stages\": {}}");
}

TEST(StageText, EveryStageAtItsLongestFits) {
  StageTimes times;
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    times[static_cast<Stage>(stage)] = Duration::max() / 16;
  }
  const BudgetVerdict verdict = judge({}, times, false);
  const std::string json =
      "{\"a\": 1" + std::string(StageText::for_log(verdict, Duration::max()).view()) + "}";
  simdjson::padded_string padded(json);
  simdjson::dom::parser parser;
  EXPECT_EQ(parser.parse(padded).error(), simdjson::SUCCESS) << json;
  EXPECT_TRUE(StageText::for_header(times).view().contains(", total;dur="));
}

TEST(StageText, ServerTimingHasATotal) {
  EXPECT_EQ(StageText::for_header(times_of({{Stage::handler, 2}, {Stage::pg, 3}})).view(),
            "handler;dur=2.000, pg;dur=3.000, total;dur=5.000");
  EXPECT_EQ(StageText::for_header({}).view(), "total;dur=0.000");
}

}  // namespace
}  // namespace sk::lb
