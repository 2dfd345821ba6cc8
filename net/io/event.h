// Event: one coroutine waits until another says so. Sleep: it waits for an instant.
//
// set() leaves a mark if nobody waits; wait() consumes the mark. One waiter at a time. Both belong
// to one loop.
#pragma once

#include "net/io/wait.h"

namespace sk {

class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { SK_ASSERT(waiter_ == nullptr); }

  class Awaiter;

  // Marks the event and puts its waiter, if there is one, on the ready list.
  void set();
  void clear() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }
  [[nodiscard]] bool has_waiter() const { return waiter_ != nullptr; }

  // Result<void>: an error is the scope's reason, or timeout when `until` came first.
  [[nodiscard]] Awaiter wait(CancelScope& scope, Instant until = kNever);
  // Waits without a way out; only for what certainly happens, such as children that end.
  [[nodiscard]] Awaiter wait_uninterruptible();

  class Awaiter : public Wait {
   public:
    Awaiter(Event& event, CancelScope* scope, Instant until);
    ~Awaiter() = default;
    bool await_ready();
    bool await_suspend(std::coroutine_handle<> waiter);
    Result<void> await_resume();

   private:
    friend class Event;
    static void on_interrupt(Wait& wait);

    Event& event_;
    CancelScope* scope_;
    Instant until_;
  };

 private:
  Loop& loop_;
  Awaiter* waiter_ = nullptr;
  bool set_ = false;
};

// Result<void>: ok when the instant came, the scope's reason when it was cancelled first.
class Sleep : public Wait {
 public:
  Sleep(CancelScope& scope, Instant until);
  ~Sleep() = default;
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiter);
  Result<void> await_resume();

 private:
  static void on_interrupt(Wait& wait);

  CancelScope& scope_;
  Instant until_;
};

}  // namespace sk
