// Cancel scopes: who may be interrupted together, and until when.
//
// A CancelScope is a list of things that wait. cancel() asks each of them to stop; a wait on the
// kernel still ends only when the kernel says so. Scopes nest: a child is cancelled with its parent
// and its deadline is never later than the parent's. A scope registers with its parent on
// construction and leaves by itself on destruction; it must outlive whatever waits in it.
// Belongs to one loop; not thread-safe.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/core/result.h"
#include "net/core/stage.h"
#include "net/core/time.h"
#include "net/io/timer_wheel.h"

namespace sk {

class Loop;
struct CancelTag {};

// Something in a scope: a wait, or a child scope.
class CancelNode : public ListHook<CancelTag> {
 public:
  using OnCancel = void (*)(CancelNode&, ErrorCode reason);
  explicit CancelNode(OnCancel on_cancel) : on_cancel_(on_cancel) {}
  void cancel_from_scope(ErrorCode reason) { on_cancel_(*this, reason); }

 protected:
  ~CancelNode() = default;

 private:
  OnCancel on_cancel_;
};

class CancelScope : private CancelNode, private TimerNode {
 public:
  explicit CancelScope(Loop& loop);
  explicit CancelScope(CancelScope& parent);
  // The scope is cancelled with ErrorCode::deadline at the instant given.
  CancelScope(CancelScope& parent, Instant deadline);
  ~CancelScope() = default;

  // Cancels everything that waits in this scope and in its children, now and from now on. The
  // first reason stays. Callable from anywhere on the loop's thread, also from a wait of its own.
  void cancel(ErrorCode reason = ErrorCode::cancelled);

  [[nodiscard]] bool cancelled() const { return cancelled_; }
  [[nodiscard]] ErrorCode reason() const { return reason_; }
  [[nodiscard]] Error error() const { return Error{reason_, ErrorOrigin::internal, 0, ""}; }
  [[nodiscard]] Instant deadline() const { return deadline_; }
  // Moves the deadline (never beyond the parent's at the time of the call). kNever removes it.
  void set_deadline(Instant deadline);

  [[nodiscard]] Loop& loop() const { return loop_; }

  // The clock of the request this scope belongs to, where its stages are timed: waits tell it what
  // they wait for, and a deadline that passes makes it remember the stage. Inherited by scopes that
  // are made afterwards. The clock outlives the scope.
  void set_stage_clock(StageClock* clock) { stage_clock_ = clock; }
  [[nodiscard]] StageClock* stage_clock() const { return stage_clock_; }

  // For waits: registers until it unlinks. The scope must not be cancelled already.
  void add(CancelNode& node) { nodes_.push_back(node); }

 private:
  static void parent_cancelled(CancelNode& node, ErrorCode reason);
  static void deadline_passed(TimerNode& timer);

  Loop& loop_;
  CancelScope* parent_ = nullptr;
  IntrusiveList<CancelNode, CancelTag> nodes_;
  Instant deadline_ = kNever;
  StageClock* stage_clock_ = nullptr;
  ErrorCode reason_ = ErrorCode::cancelled;
  bool cancelled_ = false;
};

}  // namespace sk
