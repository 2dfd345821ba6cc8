// least_request over shared counters, and the endpoint states it respects.
#include "lb/balancer_least_request.h"

#include <gtest/gtest.h>

#include <thread>

namespace sk::lb {
namespace {

constexpr std::uint32_t kMax = 1024;
const Instant kNow{std::chrono::hours(1)};

Endpoints make(std::size_t count) {
  Endpoints endpoints;
  for (std::uint32_t index = 0; index < count; ++index) {
    endpoints.push_back(
        std::make_unique<Endpoint>("e" + std::to_string(index), index, EndpointState::ok));
  }
  return endpoints;
}

TEST(LeastRequest, TakesTheOneWithTheFewestInFlight) {
  Endpoints endpoints = make(3);
  endpoints[0]->enter();
  endpoints[1]->enter();
  endpoints[1]->enter();
  EXPECT_EQ(pick_least_request(endpoints, nullptr, kMax, kNow, 0), endpoints[2].get());
  EXPECT_EQ(endpoints[2]->in_flight(), 1U);
}

TEST(LeastRequest, IdleEndpointsTakeTurns) {
  Endpoints endpoints = make(4);
  for (std::uint32_t turn = 0; turn < 8; ++turn) {
    Endpoint* const picked = pick_least_request(endpoints, nullptr, kMax, kNow, turn);
    EXPECT_EQ(picked->index(), turn % 4);
    picked->leave();
  }
}

TEST(LeastRequest, SpreadsEvenlyUnderLoad) {
  Endpoints endpoints = make(3);
  for (std::uint32_t turn = 0; turn < 300; ++turn) {
    ASSERT_NE(pick_least_request(endpoints, nullptr, kMax, kNow, turn * 7), nullptr);
  }
  for (const auto& endpoint : endpoints) {
    EXPECT_EQ(endpoint->in_flight(), 100U);
  }
}

TEST(LeastRequest, NeverUsesDeadWarmingDrainingOrTheExceptedOne) {
  Endpoints endpoints = make(5);
  endpoints[0]->set_state(EndpointState::dead);
  endpoints[1]->set_state(EndpointState::warming);
  endpoints[2]->set_state(EndpointState::draining);
  for (std::uint32_t turn = 0; turn < 5; ++turn) {
    EXPECT_EQ(pick_least_request(endpoints, endpoints[3].get(), kMax, kNow, turn),
              endpoints[4].get());
  }
  endpoints[4]->set_state(EndpointState::dead);
  EXPECT_EQ(pick_least_request(endpoints, endpoints[3].get(), kMax, kNow, 0), nullptr);
  EXPECT_EQ(pick_least_request({}, nullptr, kMax, kNow, 0), nullptr);
}

TEST(LeastRequest, RespectsTheHardLimitAndLeavesCountersRight) {
  Endpoints endpoints = make(2);
  for (int round = 0; round < 4; ++round) {
    ASSERT_NE(pick_least_request(endpoints, nullptr, 2, kNow, 0), nullptr);
  }
  EXPECT_EQ(pick_least_request(endpoints, nullptr, 2, kNow, 0), nullptr);
  EXPECT_EQ(endpoints[0]->in_flight(), 2U);
  EXPECT_EQ(endpoints[1]->in_flight(), 2U);
}

TEST(LeastRequest, LimitHoldsAcrossThreads) {
  Endpoints endpoints = make(2);
  std::atomic<int> picked{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (std::uint32_t turn = 0; turn < 1000; ++turn) {
        picked += pick_least_request(endpoints, nullptr, 50, kNow, turn) != nullptr ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(picked, 100);
  EXPECT_EQ(endpoints[0]->in_flight() + endpoints[1]->in_flight(), 100U);
}

TEST(Endpoint, ThreeFailuresInARowEjectForAWhileThenItIsProbed) {
  Endpoints endpoints = make(2);
  Endpoint& broken = *endpoints[0];
  broken.failed(kNow);
  broken.failed(kNow);
  EXPECT_FALSE(broken.ejected(kNow));
  broken.failed(kNow);
  EXPECT_TRUE(broken.ejected(kNow));
  endpoints[1]->enter();
  EXPECT_EQ(pick_least_request(endpoints, nullptr, kMax, kNow, 0), endpoints[1].get());
  EXPECT_FALSE(broken.ejected(kNow + Endpoint::kEjectionMin));
  broken.failed(kNow);
  EXPECT_TRUE(broken.ejected(kNow + Endpoint::kEjectionMin));
  for (int round = 0; round < 100; ++round) {
    broken.failed(kNow);
  }
  EXPECT_TRUE(broken.ejected(kNow + Endpoint::kEjectionMax - Duration(1)));
  EXPECT_FALSE(broken.ejected(kNow + Endpoint::kEjectionMax));
  broken.succeeded();
  EXPECT_FALSE(broken.ejected(kNow));
  broken.failed(kNow);
  EXPECT_FALSE(broken.ejected(kNow));
}

TEST(Endpoint, AnUpstreamWhoseEndpointsAllLookBrokenIsStillTried) {
  Endpoints endpoints = make(2);
  for (const auto& endpoint : endpoints) {
    for (int round = 0; round < 3; ++round) {
      endpoint->failed(kNow);
    }
  }
  EXPECT_NE(pick_least_request(endpoints, nullptr, kMax, kNow, 0), nullptr);
}

}  // namespace
}  // namespace sk::lb
