// TaskGroup owns child tasks that run beside their parent.
//
// spawn() starts a child at once, inline, up to its first suspension. join() waits until every
// child has ended; a group must be empty when it is destroyed, so the parent joins it before it
// returns (usually after cancelling the scope the children wait in). A child that ends with an
// exception ends the program: children report trouble through what they share with their parent.
// Belongs to one loop; one coroutine may wait in join().
#pragma once

#include "net/io/event.h"
#include "net/io/task.h"

#include <coroutine>
#include <cstdint>

namespace sk {

class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) : idle_(loop) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { SK_ASSERT(live_ == 0); }

  void spawn(Task<void> child);

  // Not cancellable: it waits for the children, and they can be cancelled.
  Task<void> join();

  [[nodiscard]] std::size_t live() const { return live_; }

 private:
  struct Runner;
  static Runner run(TaskGroup& group, Task<void> child);

  std::size_t live_ = 0;
  Event idle_;
};

}  // namespace sk
