// LoopTest: a fixture with a loop of the backend that SIDEKICK_IO names (uring, epoll; default:
// what the probe finds), and run(), which drives it until a task has ended, within ten seconds.
#pragma once

#include "net/io/loop.h"
#include "net/io/task.h"

#include <gtest/gtest.h>

#include <memory>

namespace sk::test {

// The backend the tests of this process run on; ends the process if SIDEKICK_IO cannot be honoured.
IoBackend backend_under_test();

// Runs turns until done() is true; false if that took longer than the limit.
bool run_until(Loop& loop, const std::function<bool()>& done,
               Duration limit = std::chrono::seconds(10));

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() : loop_(Loop::create(backend_under_test(), config())) {}

  static LoopConfig config() {
    LoopConfig config;
    config.buffers = 64;
    config.random_seed = 42;
    return config;
  }

  // Runs the task to its end.
  void run(Task<void> task);

  std::unique_ptr<Loop> loop_;
};

}  // namespace sk::test
