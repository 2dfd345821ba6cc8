#include "tests/support/loop_test.h"

#include "net/io/task_group.h"

#include <cstdio>
#include <cstdlib>

namespace sk::test {

IoBackend backend_under_test() {
  static const IoBackend backend = [] {
    const char* wanted = std::getenv("SIDEKICK_IO");
    const Result<IoChoice> choice = parse_io_choice(wanted == nullptr ? "auto" : wanted);
    std::string why = "not one of auto, uring, epoll";
    const Result<IoProbe> probe = choice ? probe_io(*choice, why) : fail(choice.error());
    if (!probe) {
      std::fprintf(stderr, "SIDEKICK_IO=%s: %s\n", wanted, why.c_str());
      std::exit(2);
    }
    return probe->backend;
  }();
  return backend;
}

bool run_until(Loop& loop, const std::function<bool()>& done, Duration limit) {
  const Instant end = loop.read_clock() + limit;
  while (!done()) {
    if (loop.read_clock() >= end) {
      return false;
    }
    // A turn may make done() true and then sleep, so it must not sleep for long.
    loop.run_once(std::min(end, loop.read_clock() + std::chrono::milliseconds(1)));
  }
  return true;
}

void LoopTest::run(Task<void> task) {
  TaskGroup group(*loop_);
  group.spawn(std::move(task));
  const bool ended = run_until(*loop_, [&] { return group.live() == 0; });
  if (!ended) {
    // The frames still wait in the kernel and cannot be destroyed: there is no way on from here.
    std::fprintf(stderr, "the task did not end within its bound\n");
    std::abort();
  }
}

}  // namespace sk::test
