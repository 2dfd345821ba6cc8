#include "net/io/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace sk {
namespace {

using std::chrono::milliseconds;

constexpr Duration kTick{1 << 20};

struct Timer : TimerNode {
  Timer() : TimerNode([](TimerNode& node) { static_cast<Timer&>(node).fired_ = true; }) {}
  bool fired_ = false;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  Instant start_{std::chrono::hours(1000)};
  TimerWheel wheel_{start_};
};

TEST_F(TimerWheelTest, FiresNeverEarlyAndAtMostOneTickLate) {
  Timer timer;
  const Instant at = start_ + milliseconds(250);
  wheel_.arm(timer, at);
  wheel_.advance(at - Duration(1));
  EXPECT_FALSE(timer.fired_);
  wheel_.advance(at + kTick);
  EXPECT_TRUE(timer.fired_);
  EXPECT_EQ(wheel_.armed(), 0U);
}

TEST_F(TimerWheelTest, DisarmedTimerStaysSilent) {
  Timer timer;
  wheel_.arm(timer, start_ + milliseconds(5));
  wheel_.disarm(timer);
  wheel_.advance(start_ + std::chrono::hours(1));
  EXPECT_FALSE(timer.fired_);
  EXPECT_EQ(wheel_.next(), kNever);
}

TEST_F(TimerWheelTest, DestroyedTimerLeavesTheWheel) {
  auto timer = std::make_unique<Timer>();
  wheel_.arm(*timer, start_ + milliseconds(5));
  timer.reset();
  EXPECT_EQ(wheel_.armed(), 0U);
  wheel_.advance(start_ + std::chrono::hours(1));
}

TEST_F(TimerWheelTest, PastInstantFiresAtTheNextTick) {
  Timer timer;
  wheel_.arm(timer, start_ - milliseconds(100));
  wheel_.advance(start_ + 2 * kTick);
  EXPECT_TRUE(timer.fired_);
}

TEST_F(TimerWheelTest, BeyondTheHorizonIsKept) {
  Timer timer;
  wheel_.arm(timer, start_ + std::chrono::hours(24 * 365 * 5));
  wheel_.advance(start_ + std::chrono::hours(24 * 365 * 4));
  EXPECT_FALSE(timer.fired_);
  wheel_.advance(start_ + std::chrono::hours(24 * 365 * 6));
  EXPECT_TRUE(timer.fired_);
}

// Against a sorted list: whatever is armed, disarmed and moved, each timer fires in the window its
// instant allows, and next() never lets the loop oversleep.
TEST_F(TimerWheelTest, AgreesWithASortedListOnRandomSchedules) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    TimerWheel wheel(start_);
    std::vector<std::unique_ptr<Timer>> timers;
    std::vector<Instant> due;
    for (int i = 0; i < 200; ++i) {
      const auto reach = static_cast<std::int64_t>(1) << (10 + random() % 36);
      timers.push_back(std::make_unique<Timer>());
      due.push_back(start_ + Duration(static_cast<std::int64_t>(random()) & (reach - 1)));
      wheel.arm(*timers.back(), due.back());
    }
    for (std::size_t i = 0; i < timers.size(); i += 7) {
      wheel.disarm(*timers[i]);
      due[i] = kNever;
    }
    Instant now = start_;
    while (wheel.armed() > 0) {
      const Instant next = wheel.next();
      ASSERT_NE(next, kNever);
      Instant soonest = kNever;
      for (std::size_t i = 0; i < timers.size(); ++i) {
        soonest = timers[i]->fired_ ? soonest : std::min(soonest, due[i]);
      }
      ASSERT_LE(next, std::max(soonest, now) + 2 * kTick);
      now = std::max(next, now + kTick);
      wheel.advance(now);
      for (std::size_t i = 0; i < timers.size(); ++i) {
        if (timers[i]->fired_) {
          ASSERT_LE(due[i], now);
        } else {
          ASSERT_GT(due[i], now - 2 * kTick);
        }
      }
    }
  }
}

}  // namespace
}  // namespace sk
