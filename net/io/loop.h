// Loop: operations are submitted and complete. One thread, one loop.
//
// io_uring gives completions; the epoll driver emulates them: code above never asks which one runs.
// A turn: messages from other threads, due timers, the ready list (bounded), the end-of-turn list,
// what that has made ready, one blocking call, completions onto the ready list. submit() never
// resumes anybody.
//
// Everything here may be called on the loop's own thread only, except post() and stop().
// Time and randomness come from the loop, so that a test can own both.
#pragma once

#include "net/core/buffer.h"
#include "net/core/owned_fd.h"
#include "net/core/result.h"
#include "net/core/time.h"
#include "net/io/operation.h"
#include "net/io/ready.h"
#include "net/io/timer_wheel.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sk {

enum class IoBackend : std::uint8_t { uring, epoll };
enum class IoChoice : std::uint8_t { automatic, uring, epoll };

std::string_view to_string(IoBackend backend);
// "auto", "uring", "epoll".
[[nodiscard]] Result<IoChoice> parse_io_choice(std::string_view text);

// What the start-up probe found out, for one log line and one metric.
struct IoProbe {
  IoBackend backend = IoBackend::epoll;
  std::string step;   // the step that failed, empty if none did
  int sys_errno = 0;  // what the kernel answered there
  // "io_uring" or "epoll: io_uring refused at io_uring_setup (EPERM): seccomp profile or ..."
  [[nodiscard]] std::string describe() const;
};

// Tries once what will really be used: set-up with the flags, the operations, a buffer ring and a
// receive from it. With `automatic` every failure means epoll; with `uring` a failure is an Error
// (unsupported) and the probe's text says why. SIDEKICK_IO is not read here.
[[nodiscard]] Result<IoProbe> probe_io(IoChoice choice, std::string& why);

struct LoopConfig {
  std::size_t buffers = 1024;       // of 16 KiB each, per loop; touched only when used
  std::size_t ready_budget = 1024;  // nodes run per turn before the kernel is asked again
  std::uint64_t random_seed = 0;    // 0: from the kernel
};

class Loop {
 public:
  // Throws std::system_error if the kernel has no descriptor or memory left for it.
  static std::unique_ptr<Loop> create(IoBackend backend, const LoopConfig& config = {});
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs turns on the calling thread until stop(). May be called again afterwards.
  void run();
  // Ends run() after the current turn. Callable from any thread.
  void stop();
  // One turn; blocks until something happened or `until`, whichever is first.
  void run_once(Instant until);

  [[nodiscard]] Instant now() const { return now_; }  // when the current turn began
  [[nodiscard]] Instant read_clock();                 // now, exactly: a call of the kernel's clock
  // Milliseconds since the Unix epoch at now(), for log lines.
  [[nodiscard]] std::int64_t wall_clock_ms() const;
  [[nodiscard]] std::uint64_t random();
  // Uniform in [0, bound), bound > 0.
  [[nodiscard]] std::uint64_t random_below(std::uint64_t bound);

  [[nodiscard]] TimerWheel& timers() { return timers_; }
  [[nodiscard]] BufferPool& buffers() { return buffers_; }
  [[nodiscard]] virtual IoBackend backend() const = 0;

  void make_ready(ReadyNode& node) {
    if (!node.linked()) {
      ready_.push_back(node);
    }
  }
  // Runs node once when this turn's ready list is done, before the kernel is asked again: the place
  // to send what a turn has queued in one call.
  void at_turn_end(ReadyNode& node) {
    if (!node.linked()) {
      turn_end_.push_back(node);
    }
  }

  // Runs the function on the loop's thread, soon. Callable from any thread.
  void post(std::move_only_function<void()> message);

  // Closes a descriptor that operations of this loop have used; none may be in flight.
  virtual void close(int fd) = 0;

  struct Counters {
    std::uint64_t turns = 0;
    std::uint64_t completions = 0;
    std::uint64_t starved = 0;         // receives that waited for a buffer
    std::uint64_t ring_overflows = 0;  // io_uring completion queue overflows
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 protected:
  friend class Operation;

  // Descriptors by which a loop that sleeps in the kernel is woken.
  struct Alarms {
    OwnedFd wake;   // eventfd, readable when another thread posted while this one slept
    OwnedFd timer;  // timerfd, readable when the alarm that set_alarm() wanted went off
  };

  Loop(const LoopConfig& config, Alarms alarms);

  // Submits op; its completion is delivered by op.complete(), never from inside this call's caller.
  virtual void submit(Operation& op) = 0;
  // Asks for op to end early; it still completes once.
  virtual void request_cancel(Operation& op) = 0;
  // Hands what is queued to the kernel and collects completions; with `wait` it blocks until there
  // is one or an alarm. Time is the alarms' affair: a wait that brings its own timeout has the
  // kernel set up and take down a timer each time.
  virtual void poll_kernel(bool wait) = 0;
  // The descriptor is readable: resets it.
  void wake_seen();
  void timer_seen();
  // A buffer is free again: starved receives may go on.
  void wake_starved();

  void park_starved(Operation& op);

  const Alarms alarms_;
  Counters counters_;

 private:
  void take_messages();
  void run_ready(std::size_t& budget);
  // True if the loop may sleep, woken at the latest at `at`; false when that has come.
  [[nodiscard]] bool set_alarm(Instant at);

  Instant now_;
  // When the timerfd goes off. It may be earlier than the next timer, whose predecessor was
  // disarmed: waking once for nothing is cheaper than setting it anew for every request.
  Instant alarm_at_ = kNever;
  TimerWheel timers_;
  BufferPool buffers_;
  ReadyList ready_;
  ReadyList turn_end_;
  IntrusiveList<Operation, StarvedTag> starved_;
  bool starved_may_go_ = false;
  std::size_t ready_budget_;
  std::uint64_t random_state_[4];

  std::mutex mailbox_lock_;
  std::vector<std::move_only_function<void()>> mailbox_;  // guarded by mailbox_lock_
  std::vector<std::move_only_function<void()>> taken_;
  std::atomic<bool> mail_waiting_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stop_{false};
};

}  // namespace sk
