// The clock that divides a request's time: stages never overlap, and nothing gets lost.
#include "net/core/millis_text.h"
#include "net/core/stage.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace sk {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Instant at(int ms) { return Instant(milliseconds(1000 + ms)); }

TEST(Stage, NamesAreThoseOfTheTable) {
  EXPECT_EQ(to_string(Stage::read), "read");
  EXPECT_EQ(to_string(Stage::worker_wait), "worker_wait");
  EXPECT_EQ(to_string(Stage::write), "write");
  EXPECT_EQ(kStages, 10U);
}

TEST(StageClock, TimeBelongsToTheWaitOrElseToTheBase) {
  StageClock clock;
  clock.start(Stage::handler, at(0));
  clock.enter(Stage::pg_pool, at(3));
  clock.move(Stage::pg_pool, Stage::pg, at(4));
  clock.leave(Stage::pg, at(10));
  clock.enter(Stage::redis, at(12));
  clock.leave(Stage::redis, at(13));
  clock.stop(at(20));
  const StageTimes& times = clock.times();
  EXPECT_EQ(times[Stage::pg_pool], milliseconds(1));
  EXPECT_EQ(times[Stage::pg], milliseconds(6));
  EXPECT_EQ(times[Stage::redis], milliseconds(1));
  EXPECT_EQ(times[Stage::handler], milliseconds(12));
  EXPECT_EQ(times.sum(), milliseconds(20));
  EXPECT_EQ(times.top(), Stage::handler);
}

TEST(StageClock, WaitsBesideEachOtherCountOnce) {
  StageClock clock;
  clock.start(Stage::handler, at(0));
  clock.enter(Stage::redis, at(0));
  clock.enter(Stage::pg, at(2));
  clock.enter(Stage::pg, at(3));
  clock.leave(Stage::redis, at(5));
  clock.leave(Stage::pg, at(6));
  EXPECT_EQ(clock.present(), Stage::pg);
  clock.leave(Stage::pg, at(9));
  clock.stop(at(9));
  EXPECT_EQ(clock.times()[Stage::redis], milliseconds(2));
  EXPECT_EQ(clock.times()[Stage::pg], milliseconds(7));
  EXPECT_EQ(clock.times().sum(), milliseconds(9));
}

TEST(StageClock, TheDeadlinesStageIsKeptWhenItsWaitHasLeft) {
  StageClock clock;
  clock.start(Stage::handler, at(0));
  clock.enter(Stage::pg, at(1));
  clock.strike();
  clock.leave(Stage::pg, at(5));
  EXPECT_EQ(clock.struck(), Stage::pg);
  EXPECT_EQ(clock.present(), Stage::handler);
  clock.stop(at(6));
  EXPECT_EQ(clock.struck(), Stage::pg);
  clock.start(Stage::handler, at(9));
  EXPECT_EQ(clock.struck(), std::nullopt) << "the next request";
}

TEST(StageClock, OneThatDoesNotRunIgnoresEverything) {
  StageClock clock;
  clock.set_base(Stage::connect, at(0));
  clock.enter(Stage::pg, at(1));
  clock.strike();
  clock.leave(Stage::pg, at(2));
  clock.stop(at(3));
  EXPECT_EQ(clock.times().sum(), Duration::zero());
  EXPECT_EQ(clock.present(), Stage::handler);
  EXPECT_EQ(clock.struck(), std::nullopt);
}

TEST(StageClock, AttemptsThatFailedCountAsChoosing) {
  StageClock clock;
  clock.start(Stage::route, at(0));
  clock.set_base(Stage::upstream, at(1));
  clock.set_base(Stage::route, at(5));
  clock.reassign(Stage::upstream, Stage::route);
  clock.set_base(Stage::upstream, at(6));
  clock.stop(at(9));
  EXPECT_EQ(clock.times()[Stage::route], milliseconds(6));
  EXPECT_EQ(clock.times()[Stage::upstream], milliseconds(3));
}

// Whatever happens in whatever order, also with instants that lag behind: the times add up.
TEST(StageClock, TimesAlwaysAddUp) {
  std::mt19937 random(11);
  constexpr std::array kWaits = {Stage::read, Stage::pg_pool, Stage::pg, Stage::redis,
                                 Stage::write};
  for (int round = 0; round < 200; ++round) {
    StageClock clock;
    clock.start(Stage::handler, at(0));
    std::vector<Stage> under_way;
    int now = 0;
    for (int step = 0; step < 100; ++step) {
      now += static_cast<int>(random() % 5);
      const Instant instant = at(now - static_cast<int>(random() % 3));
      if (!under_way.empty() && random() % 2 == 0) {
        clock.leave(under_way.back(), instant);
        under_way.pop_back();
      } else {
        under_way.push_back(kWaits[random() % kWaits.size()]);
        clock.enter(under_way.back(), instant);
      }
    }
    clock.stop(at(now));
    ASSERT_EQ(clock.times().sum(), milliseconds(now)) << "seed 11, round " << round;
  }
}

TEST(MillisText, HasThreeDecimals) {
  EXPECT_EQ(MillisText(microseconds(12'345)).view(), "12.345");
  EXPECT_EQ(MillisText(Duration(999)).view(), "0.000");
  EXPECT_EQ(MillisText(microseconds(5)).view(), "0.005");
  EXPECT_EQ(MillisText(-microseconds(5)).view(), "0.000");
  EXPECT_EQ(MillisText(Duration::max()).view(), "9223372036854.775");
}

}  // namespace
}  // namespace sk
