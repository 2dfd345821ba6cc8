#include "net/io/transport.h"

#include "net/io/loop.h"

namespace sk {

Transport::Transport(Loop& loop)
    : loop_(loop), output_(loop.buffers()), input_event_(loop), output_event_(loop) {}

Result<Slice> Transport::take() {
  SK_DEBUG_ASSERT(readable());
  if (!input_.empty()) {
    Slice bytes = std::move(input_);
    if (!input_ended_ && !broken_) {
      input_taken();
    }
    return bytes;
  }
  if (broken_) {
    return fail(*broken_);
  }
  return Slice();
}

Task<Result<Slice>> Transport::read(CancelScope& scope, Instant until) {
  while (!readable()) {
    const Result<void> waited = co_await input_event_.wait(scope, until);
    if (!waited) {
      co_return fail(waited.error());
    }
  }
  co_return take();
}

Task<Result<void>> Transport::drained(CancelScope& scope, std::size_t limit, Instant until) {
  while (true) {
    if (broken_) {
      co_return fail(*broken_);
    }
    if (unsent() <= limit) {
      co_return Result<void>();
    }
    const Result<void> waited = co_await output_event_.wait(scope, until);
    if (!waited) {
      co_return fail(waited.error());
    }
  }
}

void Transport::deliver(Slice bytes) {
  SK_ASSERT(input_.empty());
  input_ = std::move(bytes);
  input_event_.set();
  tell_activity(Activity::input);
}

void Transport::deliver_end() {
  input_ended_ = true;
  input_event_.set();
  tell_activity(Activity::input);
}

void Transport::output_moved() {
  output_event_.set();
  tell_activity(Activity::output);
}

void Transport::break_with(const Error& error) {
  if (broken_) {
    return;
  }
  broken_ = error;
  input_event_.set();
  output_event_.set();
  if (notify_broken_ != nullptr) {
    notify_broken_(notify_context_);
  }
  tell_activity(Activity::broken);
}

}  // namespace sk
