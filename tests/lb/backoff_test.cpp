#include "lb/backoff.h"

#include <gtest/gtest.h>

namespace sk::lb {
namespace {

constexpr std::uint64_t kNoJitter = 100;
const Instant kStart{std::chrono::hours(1)};

TEST(RestartBackoff, EarlyEndsDoubleThePause) {
  WorkersConfig config;
  config.crash_loop_count = 1000;
  RestartBackoff backoff(config);
  Duration expected = 100ms;
  for (int round = 0; round < 20; ++round) {
    backoff.started(kStart);
    EXPECT_EQ(backoff.ended(kStart + 10ms, kNoJitter).pause, std::min<Duration>(expected, 30s));
    expected = std::min<Duration>(expected * 2, 30s);
  }
}

TEST(RestartBackoff, AWorkerThatLivedStartsAgainSoon) {
  RestartBackoff backoff{WorkersConfig{}};
  backoff.started(kStart);
  backoff.ended(kStart + 1s, kNoJitter);
  backoff.started(kStart + 2s);
  backoff.ended(kStart + 3s, kNoJitter);
  backoff.started(kStart + 4s);
  const RestartBackoff::Restart restart = backoff.ended(kStart + 100s, kNoJitter);
  EXPECT_EQ(restart.pause, 100ms);
  EXPECT_FALSE(restart.crash_loop);
  backoff.started(kStart + 101s);
  EXPECT_EQ(backoff.ended(kStart + 102s, kNoJitter).pause, 100ms);
}

TEST(RestartBackoff, FiveEarlyEndsInAMinuteOpenTheBreakerOnce) {
  RestartBackoff backoff{WorkersConfig{}};
  Instant now = kStart;
  for (int round = 1; round <= 8; ++round) {
    backoff.started(now);
    const RestartBackoff::Restart restart = backoff.ended(now + 100ms, kNoJitter);
    EXPECT_EQ(restart.crash_loop, round >= 5) << round;
    EXPECT_EQ(restart.crash_loop_begins, round == 5) << round;
    if (round >= 5) {
      EXPECT_EQ(restart.pause, 30s);
    }
    now += 100ms + restart.pause;
  }
  // It closes when one lives.
  backoff.started(now);
  EXPECT_FALSE(backoff.ended(now + 61s, kNoJitter).crash_loop);
}

TEST(RestartBackoff, EarlyEndsFarApartAreNoLoop) {
  RestartBackoff backoff{WorkersConfig{}};
  for (int round = 0; round < 20; ++round) {
    const Instant now = kStart + round * 59s;
    backoff.started(now);
    EXPECT_FALSE(backoff.ended(now + 58s, kNoJitter).crash_loop) << round;
  }
}

TEST(RestartBackoff, JitterStaysWithinTenPercent) {
  for (std::uint64_t random = 0; random < 1000; random += 7) {
    RestartBackoff backoff{WorkersConfig{}};
    backoff.started(kStart);
    const Duration pause = backoff.ended(kStart, random).pause;
    EXPECT_GE(pause, 90ms);
    EXPECT_LE(pause, 110ms);
  }
}

}  // namespace
}  // namespace sk::lb
