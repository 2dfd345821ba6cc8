// The shared page: what a worker notes about stages is read as noted, and junk is survived.
#include "net/link/page.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>

namespace sk {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint32_t kSlots = 4;
constexpr StreamId kStream{2, 7};

class PageStages : public testing::Test {
 protected:
  PageStages()
      : balancer_(std::move(*LinkPage::create(kSlots))),
        worker_(std::move(*LinkPage::map(::dup(balancer_.fd()), kSlots))) {}

  LinkPage balancer_;
  LinkPage worker_;
};

TEST_F(PageStages, StagesAreReadAsTheWorkerNotedThem) {
  EXPECT_FALSE(balancer_.stages(kStream).has_value());
  balancer_.publish(kStream);
  EXPECT_FALSE(balancer_.started(kStream));
  ASSERT_TRUE(worker_.try_start(kStream));
  EXPECT_TRUE(balancer_.started(kStream));

  const Instant begun(milliseconds(1234));
  StageClock clock;
  clock.start(Stage::handler, begun);
  clock.enter(Stage::pg, begun + milliseconds(3));
  worker_.note_stages(kStream, clock);
  std::optional<WorkerStages> noted = balancer_.stages(kStream);
  ASSERT_TRUE(noted.has_value());
  EXPECT_EQ(noted->entered, begun);
  EXPECT_EQ(noted->present, Stage::pg);
  EXPECT_EQ(noted->times[Stage::handler], milliseconds(3));

  clock.strike();
  clock.leave(Stage::pg, begun + milliseconds(9));
  clock.stop(begun + milliseconds(10) + Duration(999));
  worker_.note_stages(kStream, clock);
  noted = balancer_.stages(kStream);
  EXPECT_EQ(noted->present, std::nullopt) << "it has answered";
  EXPECT_EQ(noted->struck, Stage::pg);
  EXPECT_EQ(noted->times[Stage::pg], milliseconds(6));
  EXPECT_EQ(noted->times[Stage::handler], milliseconds(4)) << "whole microseconds";
  EXPECT_FALSE(balancer_.stages({2, 8}).has_value()) << "the slot's next request";
  EXPECT_FALSE(balancer_.stages({1, 7}).has_value());
}

TEST_F(PageStages, TimesBeyondTheirFieldStayAtItsEnd) {
  StageClock clock;
  clock.start(Stage::handler, Instant(Duration(1)));
  clock.advance(Instant(std::chrono::hours(100)));
  worker_.note_stages(kStream, clock);
  EXPECT_EQ(balancer_.stages(kStream)->times[Stage::handler], microseconds(UINT32_MAX));
}

TEST_F(PageStages, JunkIsNothingOrAWord) {
  constexpr std::size_t kBytes = kSlots * 64;
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, balancer_.fd(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::mt19937_64 random(5);
  for (int round = 0; round < 20'000; ++round) {
    for (std::size_t at = 0; at < kBytes; at += sizeof(std::uint64_t)) {
      const std::uint64_t junk = random();
      std::memcpy(static_cast<char*>(memory) + at, &junk, sizeof(junk));
    }
    // The right generation, so that the rest is looked at.
    const std::uint32_t present =
        std::uint32_t{kStream.generation} << 16 | static_cast<std::uint32_t>(random() % 65536);
    std::memcpy(static_cast<char*>(memory) + kStream.slot * 64 + 4, &present, sizeof(present));
    const std::optional<WorkerStages> noted = balancer_.stages(kStream);
    if (noted && noted->present) {
      ASSERT_LT(static_cast<std::size_t>(*noted->present), kStages);
    }
    if (noted) {
      ASSERT_GE(noted->times.sum(), Duration::zero());
    }
  }
  ::munmap(memory, kBytes);
}

}  // namespace
}  // namespace sk
