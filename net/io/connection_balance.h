// ConnectionBalance: which loop owns a connection that one of them has accepted.
//
// Few long-lived connections, as a load balancer in front of us opens them, are spread badly by the
// kernel's wake-ups. So the loop that accepts keeps a connection unless it has clearly more than
// the least loaded loop, which then gets it by a message.
//
// join() for every loop before the first connection is accepted; after that everything may be
// called on the threads of the loops. Loops outlive the last message: stop accepting, then run them
// until they are idle, then destroy them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sk {

class Loop;

class ConnectionBalance {
 public:
  using Seat = std::size_t;
  // Runs on the joining loop for every connection that it gets; the descriptor is the callee's.
  using Adopt = std::move_only_function<void(int fd)>;

  ConnectionBalance();
  ConnectionBalance(const ConnectionBalance&) = delete;
  ConnectionBalance& operator=(const ConnectionBalance&) = delete;
  ~ConnectionBalance();

  Seat join(Loop& loop, Adopt adopt);

  // On the thread of `accepting`: counts the connection and gives it to the loop that shall own it,
  // at once if that is the same loop.
  void place(Seat accepting, int fd);
  // On the owner's thread, once for each adopted connection.
  void ended(Seat owner);

  [[nodiscard]] std::uint64_t connections(Seat seat) const;
  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] std::uint64_t handed_over() const {
    return handed_over_.load(std::memory_order_relaxed);
  }

 private:
  struct Place;

  [[nodiscard]] Seat choose(Seat accepting) const;

  std::vector<std::unique_ptr<Place>> places_;
  std::atomic<std::uint64_t> handed_over_{0};
};

}  // namespace sk
