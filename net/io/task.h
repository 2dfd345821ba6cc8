// Task<T>: a lazy coroutine with one owner, awaited once.
//
// Awaiting starts the child inline, on the caller's stack. If it finishes without suspending, the
// caller goes on at once; otherwise the caller is resumed when the child ends, by the resumer at
// the bottom of the stack (resume() below), not from inside the child: g++ 14 turns symmetric
// transfer into a tail call only at -O2 and never under sanitizers, so chains of it overflow the
// stack.
//
// A Task that was started must run to its end before it is destroyed: frames may hold operations
// that the kernel still knows. Cancel the scope it waits in, then await it (TaskGroup does).
#pragma once

#include "net/core/assert.h"
#include "net/io/frame_pool.h"

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace sk {

namespace detail {

// The coroutine to continue when the one just resumed has returned to resume().
inline thread_local std::coroutine_handle<> next_to_resume;

}  // namespace detail

// Runs a suspended coroutine, and then whoever was waiting for it to end, and so on.
inline void resume(std::coroutine_handle<> coroutine) {
  while (coroutine) {
    coroutine.resume();
    coroutine = std::exchange(detail::next_to_resume, nullptr);
  }
}

class TaskPromiseBase {
 public:
  static void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { free_frame(frame, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      TaskPromiseBase& promise = self.promise();
      if (promise.inline_) {
        return;  // the parent is below us on the stack and looks at done()
      }
      SK_DEBUG_ASSERT(!detail::next_to_resume);
      detail::next_to_resume = promise.continuation_;
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  void unhandled_exception() { exception_ = std::current_exception(); }

 protected:
  template <typename>
  friend class Task;

  std::coroutine_handle<> continuation_;
  std::exception_ptr exception_;
  bool inline_ = false;  // still inside the await_suspend that started it
};

template <typename T>
class TaskPromise : public TaskPromiseBase {
 public:
  auto get_return_object() { return std::coroutine_handle<TaskPromise>::from_promise(*this); }
  template <typename U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (exception_) {
      std::rethrow_exception(exception_);
    }
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  auto get_return_object() { return std::coroutine_handle<TaskPromise>::from_promise(*this); }
  void return_void() noexcept {}
  void take() {
    if (exception_) {
      std::rethrow_exception(exception_);
    }
  }
};

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Handle handle) : handle_(handle) {}  // implicit: get_return_object() yields a handle
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) {
      handle_.destroy();
    }
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    TaskPromiseBase& promise = handle_.promise();
    promise.continuation_ = parent;
    promise.inline_ = true;
    handle_.resume();
    promise.inline_ = false;
    return !handle_.done();
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

}  // namespace sk
