#include "net/io/task_group.h"

#include "net/io/loop.h"

namespace sk {

// A coroutine without an owner: it lives exactly as long as the child it runs, whose end is what
// the group counts. Its frame is freed when it returns.
struct TaskGroup::Runner {
  struct promise_type {
    static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept {
      free_frame(frame, bytes);
    }
    Runner get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

TaskGroup::Runner TaskGroup::run(TaskGroup& group, Task<void> child) {
  ++group.live_;
  co_await child;
  child = Task<void>();  // the child's frame goes before anybody is told that it has ended
  if (--group.live_ == 0) {
    group.idle_.set();
  }
}

void TaskGroup::spawn(Task<void> child) { run(*this, std::move(child)); }

Task<void> TaskGroup::join() {
  while (live_ > 0) {
    idle_.clear();
    const Result<void> ignored = co_await idle_.wait_uninterruptible();
    static_cast<void>(ignored);
  }
}

}  // namespace sk
