#include "net/io/wait.h"

#include "net/io/loop.h"
#include "net/io/task.h"

namespace sk {

bool Wait::arm(CancelScope* scope, Instant until) {
  interrupted_ = false;
  if (scope != nullptr) {
    if (scope->cancelled()) {
      interrupted_ = true;
      reason_ = scope->reason();
      return false;
    }
    scope->add(*this);
  }
  if (until != kNever) {
    loop_.timers().arm(*this, until);
  }
  return true;
}

void Wait::disarm() {
  CancelNode& node = *this;
  node.unlink();
  loop_.timers().disarm(*this);
}

void Wait::resume_waiter(ReadyNode& node) { resume(static_cast<Wait&>(node).waiter_); }

void Wait::interrupt(ErrorCode reason) {
  disarm();
  interrupted_ = true;
  reason_ = reason;
  interrupt_(*this);
}

void Wait::timer_fired(TimerNode& timer) {
  static_cast<Wait&>(timer).interrupt(ErrorCode::timeout);
}

void Wait::scope_cancelled(CancelNode& node, ErrorCode reason) {
  static_cast<Wait&>(node).interrupt(reason);
}

}  // namespace sk
