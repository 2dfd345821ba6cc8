// Wait: what a suspended coroutine, or a callback, waits for.
//
// It is on the ready list when it is over, on the timer wheel while it has an instant to end at,
// and in a cancel scope while one may interrupt it. Subclasses say what "over" means (an operation
// of the kernel, an event, a sleep) and what being asked to stop means.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"
#include "net/io/cancel.h"
#include "net/io/ready.h"
#include "net/io/timer_wheel.h"

#include <coroutine>

namespace sk {

class Wait : public ReadyNode, protected TimerNode, protected CancelNode {
 public:
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 protected:
  // Asked to end early, by the scope or because its instant has come; reason() says which. Called
  // at most once per arm().
  using Interrupt = void (*)(Wait&);

  Wait(Loop& loop, ReadyNode::Run on_run, Interrupt on_interrupt)
      : ReadyNode(on_run),
        TimerNode(timer_fired),
        CancelNode(scope_cancelled),
        loop_(loop),
        interrupt_(on_interrupt) {}
  ~Wait() = default;

  // Starts watching scope and instant. Returns false, with interrupted() set, when the scope has
  // been cancelled already: then there is nothing to wait for.
  bool arm(CancelScope* scope, Instant until);
  void disarm();
  // As if the scope had been cancelled for that reason; at most one interruption counts.
  void interrupt_as(ErrorCode reason) {
    if (!interrupted_) {
      interrupt(reason);
    }
  }

  [[nodiscard]] bool interrupted() const { return interrupted_; }
  [[nodiscard]] ErrorCode reason() const { return reason_; }

  // Resumes waiter_: the run function of everything that is awaited.
  static void resume_waiter(ReadyNode& node);

  Loop& loop_;
  std::coroutine_handle<> waiter_;

 private:
  static void timer_fired(TimerNode& timer);
  static void scope_cancelled(CancelNode& node, ErrorCode reason);
  void interrupt(ErrorCode reason);

  Interrupt interrupt_;
  ErrorCode reason_ = ErrorCode::cancelled;
  bool interrupted_ = false;
};

}  // namespace sk
