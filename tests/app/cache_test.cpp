// Single flight and what becomes of failures. Redis itself: tests/system/test_items.py, with a real
// one; here there is none, so that every read loads.
#include "app/cache.h"
#include "app/context.h"

#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace sk::app {
namespace cache_test {

struct Thing {
  int number = 0;
};
SK_FIELDS(Thing, number)

class CacheTest : public sk::test::LoopTest {
 protected:
  CacheTest() : scope_(*loop_), cache_(*loop_, nullptr, reader_, config_of()), gate_(*loop_) {}
  ~CacheTest() override { run(cache_.close()); }

  static CacheConfig config_of() {
    CacheConfig config;
    config.loads_max = 2;
    return config;
  }

  // Waits for the gate, then gives what the test set.
  Task<std::optional<Thing>> load() {
    ++loads_;
    const Result<void> opened = co_await gate_.wait(load_scope_ != nullptr ? *load_scope_ : scope_);
    if (!opened) {
      throw ServiceError(opened.error(), "load interrupted");
    }
    if (fails_) {
      throw std::runtime_error("load failed");
    }
    co_return answer_;
  }

  // One reader; what it got is written down.
  Task<void> read(CancelScope& scope, std::string key) {
    const auto loader = [this] { return load(); };
    std::string got;
    try {
      Cached<Thing> cached = co_await cache_.get_or_load<Thing>(scope, std::move(key), loader);
      got = cached.value ? std::to_string(cached.value->number) : "none";
      got += cached.outcome == CacheOutcome::coalesced ? " coalesced" : "";
    } catch (const std::exception& error) {
      got = error.what();
    }
    results_.push_back(got);
  }

  JsonReader reader_;
  CancelScope scope_;
  Cache cache_;
  Event gate_;
  CancelScope* load_scope_ = nullptr;
  std::optional<Thing> answer_ = Thing{7};
  bool fails_ = false;
  int loads_ = 0;
  std::vector<std::string> results_;
};

TEST_F(CacheTest, OneLoadServesEveryoneWhoWaits) {
  TaskGroup readers(*loop_);
  for (int i = 0; i < 5; ++i) {
    readers.spawn(read(scope_, "k"));
  }
  EXPECT_EQ(loads_, 1);
  gate_.set();
  run(readers.join());
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(results_, (std::vector<std::string>{"7", "7 coalesced", "7 coalesced", "7 coalesced",
                                                "7 coalesced"}));
  EXPECT_EQ(cache_.counters().coalesced, 4U);
}

TEST_F(CacheTest, ThereIsNoneIsSharedToo) {
  answer_.reset();
  TaskGroup readers(*loop_);
  readers.spawn(read(scope_, "k"));
  readers.spawn(read(scope_, "k"));
  gate_.set();
  run(readers.join());
  EXPECT_EQ(results_, (std::vector<std::string>{"none", "none coalesced"}));
}

TEST_F(CacheTest, AFailureReachesEveryoneAndIsForgotten) {
  fails_ = true;
  TaskGroup readers(*loop_);
  readers.spawn(read(scope_, "k"));
  readers.spawn(read(scope_, "k"));
  gate_.set();
  run(readers.join());
  EXPECT_EQ(results_, (std::vector<std::string>{"load failed", "load failed"}));
  fails_ = false;
  gate_.set();
  run(read(scope_, "k"));
  EXPECT_EQ(results_.back(), "7");
}

TEST_F(CacheTest, ALeaderThatLeavesHandsOver) {
  CancelScope leader(scope_);
  load_scope_ = &leader;
  TaskGroup readers(*loop_);
  readers.spawn(read(leader, "k"));
  readers.spawn(read(scope_, "k"));
  load_scope_ = nullptr;
  leader.cancel();
  sk::test::run_until(*loop_, [this] { return loads_ == 2; });
  EXPECT_EQ(loads_, 2);
  gate_.set();
  run(readers.join());
  EXPECT_EQ(results_, (std::vector<std::string>{"load interrupted", "7"}));
}

TEST_F(CacheTest, AFollowerThatLeavesDisturbsNobody) {
  CancelScope follower(scope_);
  TaskGroup readers(*loop_);
  readers.spawn(read(scope_, "k"));
  readers.spawn(read(follower, "k"));
  follower.cancel();
  sk::test::run_until(*loop_, [this] { return results_.size() == 1; });
  gate_.set();
  run(readers.join());
  ASSERT_EQ(results_.size(), 2U);
  EXPECT_NE(results_[0].find("gave up waiting"), std::string::npos);
  EXPECT_EQ(results_[1], "7");
}

TEST_F(CacheTest, LoadsAreBounded) {
  TaskGroup readers(*loop_);
  CancelScope second(scope_);
  readers.spawn(read(scope_, "a"));
  load_scope_ = &second;
  EXPECT_EQ(loads_, 1);
  readers.spawn(read(scope_, "a"));
  EXPECT_EQ(results_.size(), 0U);
  gate_.set();
  run(readers.join());
  EXPECT_EQ(results_.size(), 2U);
}

}  // namespace cache_test
}  // namespace sk::app
