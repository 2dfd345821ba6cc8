// Times of the drain: those of an ECS task, and in proportion.
#include "lb/drain_plan.h"

#include <gtest/gtest.h>

namespace sk::lb {
namespace {

TEST(DrainPlan, HasTheTimesOfAnEcsTask) {
  ServerConfig config;
  config.stop_timeout = 60s;
  EXPECT_EQ(drain_timeout(config), 55s);
  const DrainPlan plan = drain_plan(config);
  EXPECT_EQ(plan.quiet, 5s);
  EXPECT_EQ(plan.lame_duck, 25s);
  EXPECT_EQ(plan.in_flight, 50s);
  EXPECT_EQ(plan.workers, 52500ms);
}

TEST(DrainPlan, ScalesWithStopTimeoutAndWithDrainTimeout) {
  ServerConfig config;
  config.stop_timeout = 12s;
  EXPECT_EQ(drain_timeout(config), 11s);
  EXPECT_EQ(drain_plan(config).quiet, 1s);
  EXPECT_EQ(drain_plan(config).lame_duck, 5s);
  config.drain_timeout = 5500ms;
  EXPECT_EQ(drain_plan(config).in_flight, 5s);
}

TEST(DrainPlan, KeepsItsOrderAndItsBounds) {
  for (const Duration stop_timeout : {Duration(2s), Duration(30s), Duration(120s), Duration(24h)}) {
    ServerConfig config;
    config.stop_timeout = stop_timeout;
    const DrainPlan plan = drain_plan(config);
    EXPECT_LE(plan.quiet, 5s);
    EXPECT_LT(plan.quiet, plan.lame_duck);
    EXPECT_LE(plan.lame_duck, stop_timeout / 2);  // the half is what listeners may stay open
    EXPECT_LT(plan.lame_duck, plan.in_flight);
    EXPECT_LT(plan.in_flight, plan.workers);
    EXPECT_LT(plan.workers, drain_timeout(config));
    EXPECT_LT(drain_timeout(config), stop_timeout);
  }
}

}  // namespace
}  // namespace sk::lb
