#include "net/io/event.h"

#include "net/io/loop.h"

namespace sk {

void Event::set() {
  set_ = true;
  if (waiter_ != nullptr) {
    Awaiter& waiter = *std::exchange(waiter_, nullptr);
    waiter.disarm();
    loop_.make_ready(waiter);
  }
}

Event::Awaiter Event::wait(CancelScope& scope, Instant until) { return {*this, &scope, until}; }

Event::Awaiter Event::wait_uninterruptible() { return {*this, nullptr, kNever}; }

Event::Awaiter::Awaiter(Event& event, CancelScope* scope, Instant until)
    : Wait(event.loop_, resume_waiter, on_interrupt), event_(event), scope_(scope), until_(until) {}

bool Event::Awaiter::await_ready() { return event_.set_; }

bool Event::Awaiter::await_suspend(std::coroutine_handle<> waiter) {
  SK_ASSERT(event_.waiter_ == nullptr);
  if (!arm(scope_, until_)) {
    return false;
  }
  waiter_ = waiter;
  event_.waiter_ = this;
  return true;
}

Result<void> Event::Awaiter::await_resume() {
  if (event_.set_) {
    event_.set_ = false;
    return {};
  }
  SK_DEBUG_ASSERT(interrupted());
  return fail(reason());
}

void Event::Awaiter::on_interrupt(Wait& wait) {
  auto& self = static_cast<Awaiter&>(wait);
  self.event_.waiter_ = nullptr;
  self.loop_.make_ready(self);
}

Sleep::Sleep(CancelScope& scope, Instant until)
    : Wait(scope.loop(), resume_waiter, on_interrupt), scope_(scope), until_(until) {}

bool Sleep::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  return arm(&scope_, until_);
}

Result<void> Sleep::await_resume() {
  if (interrupted() && reason() != ErrorCode::timeout) {
    return fail(reason());
  }
  return {};
}

void Sleep::on_interrupt(Wait& wait) {
  auto& self = static_cast<Sleep&>(wait);
  self.loop_.make_ready(self);
}

}  // namespace sk
