// Acceptor: takes connections from one listener for one loop.
//
// Several loops may accept from the same listener; each has its own Acceptor. While it is paused,
// or has run out of descriptors, it does not watch the listener at all, so that the kernel wakes
// another loop. When no descriptor is left, the waiting clients are answered with a close (one
// descriptor is kept in reserve for that) and accepting goes on after a short delay.
//
// Belongs to one loop. stop() must be awaited before destruction.
#pragma once

#include "net/core/owned_fd.h"
#include "net/io/event.h"
#include "net/io/operation.h"
#include "net/io/task.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace sk {

struct AcceptorConfig {
  std::chrono::milliseconds retry_delay{100};  // after an error, such as no descriptor left
  std::size_t sweep_max = 4096;                // connections that stop() takes from the backlog
};

class Acceptor {
 public:
  // Called on the loop for each connection: non-blocking, CLOEXEC, the callee's from then on. May
  // call pause() and resume().
  using OnConnection = std::move_only_function<void(int fd)>;

  // The listener stays the caller's and outlives this.
  Acceptor(Loop& loop, int listener_fd, OnConnection on_connection, AcceptorConfig config = {});
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();

  // Leaves new connections in the kernel's backlog. Those that the kernel had handed over already
  // wait here for resume() or stop().
  void pause();
  void resume();

  // Ends accepting; then delivers what was handed over and what is in the listener's backlog now.
  // Nothing is delivered after it has returned. Idempotent.
  [[nodiscard]] Task<void> stop();

  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t turned_away = 0;  // closed at once: no descriptor left
    std::uint64_t errors = 0;       // other errors of accept
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] bool paused() const { return !wanted_; }

 private:
  class Accept final : public Operation {
   public:
    Accept(Acceptor& owner, int fd);
    std::vector<int>& accepted() { return accepted_; }
    // Its completion waits on the ready list.
    [[nodiscard]] bool completing() const {
      const ListHook<ReadyTag>& ready = *this;
      return ready.linked();
    }
    [[nodiscard]] bool lives_in_kernel() const { return in_flight() || accepting_in_kernel(); }

   private:
    static void completed(ReadyNode& node);
    Acceptor& owner_;
  };

  struct Retry final : TimerNode {
    explicit Retry(Acceptor& acceptor) : TimerNode(fired), owner(acceptor) {}
    static void fired(TimerNode& timer);
    Acceptor& owner;
  };

  // One step from the state the operation is in towards the one that is wanted; called whenever
  // either has changed.
  void settle();
  void watch();
  void completed();
  void failed(int error);
  void deliver(int fd);
  void deliver_held();
  void turn_away();
  void sweep_backlog();

  Loop& loop_;
  const int listener_fd_;
  AcceptorConfig config_;
  OnConnection on_connection_;
  std::optional<Accept> accept_;  // on a duplicate of the listener, closed when not watching
  std::vector<int> held_;         // accepted by the kernel, not delivered yet
  OwnedFd spare_fd_;
  bool wanted_ = false;
  bool backing_off_ = false;
  bool stopped_ = false;
  Retry retry_;
  Event unwatched_;
  Counters counters_;
};

}  // namespace sk
