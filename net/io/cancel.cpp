#include "net/io/cancel.h"

#include "net/io/loop.h"

#include <algorithm>

namespace sk {

CancelScope::CancelScope(Loop& loop)
    : CancelNode(parent_cancelled), TimerNode(deadline_passed), loop_(loop) {}

CancelScope::CancelScope(CancelScope& parent)
    : CancelNode(parent_cancelled),
      TimerNode(deadline_passed),
      loop_(parent.loop_),
      parent_(&parent),
      deadline_(parent.deadline_),
      stage_clock_(parent.stage_clock_) {
  if (parent.cancelled_) {
    cancelled_ = true;
    reason_ = parent.reason_;
  } else {
    parent.add(*this);
  }
}

CancelScope::CancelScope(CancelScope& parent, Instant deadline) : CancelScope(parent) {
  set_deadline(deadline);
}

void CancelScope::set_deadline(Instant deadline) {
  deadline_ = deadline;
  if (parent_ != nullptr && parent_->deadline_ <= deadline) {
    // The parent's timer cancels this scope too.
    deadline_ = parent_->deadline_;
    loop_.timers().disarm(*this);
    return;
  }
  if (!cancelled_) {
    loop_.timers().arm(*this, deadline_);
  }
}

void CancelScope::cancel(ErrorCode reason) {
  if (cancelled_) {
    return;
  }
  cancelled_ = true;
  reason_ = reason;
  loop_.timers().disarm(*this);
  while (!nodes_.empty()) {
    nodes_.pop_front().cancel_from_scope(reason);
  }
}

void CancelScope::parent_cancelled(CancelNode& node, ErrorCode reason) {
  static_cast<CancelScope&>(node).cancel(reason);
}

void CancelScope::deadline_passed(TimerNode& timer) {
  auto& self = static_cast<CancelScope&>(timer);
  if (self.stage_clock_ != nullptr) {
    self.stage_clock_->strike();  // before the waits leave their stages
  }
  self.cancel(ErrorCode::deadline);
}

}  // namespace sk
