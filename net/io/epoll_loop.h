// EpollLoop emulates completions: an operation is tried at once, and parked on its descriptor when
// the kernel would block, until epoll (edge-triggered) says that trying again makes sense.
//
// The loop remembers per descriptor whether a transfer may succeed: a read that brought fewer bytes
// than asked for has drained the socket, so the next one is parked without a system call. A
// descriptor is registered when an operation is parked on it for the first time. It is watched for
// room only while somebody waits for room: a Unix socket reports room after each message that its
// peer has read, and would wake us once per request on a link.
#pragma once

#include "net/io/loop.h"

#include <vector>

namespace sk {

class EpollLoop final : public Loop {
 public:
  EpollLoop(const LoopConfig& config, Alarms alarms);

  [[nodiscard]] IoBackend backend() const override { return IoBackend::epoll; }
  void close(int fd) override;

 protected:
  void submit(Operation& op) override;
  void request_cancel(Operation& op) override;
  void poll_kernel(bool wait) override;

 private:
  struct Descriptor {
    Operation* in = nullptr;
    Operation* out = nullptr;
    std::uint32_t interest = 0;  // events that epoll watches for; 0: not registered
    bool maybe_readable = true;
    bool maybe_writable = true;
    bool ended = false;  // hang-up or error seen: reading never blocks again
  };

  Descriptor& descriptor(int fd);
  [[nodiscard]] static bool may_try(const Descriptor& d, const Operation& op);
  // Tries the operation; true if it completed or waits for a buffer, false if it must be parked.
  bool attempt(Descriptor& d, Operation& op);
  void park(Descriptor& d, Operation& op);
  void unpark(Descriptor& d, Operation& op);
  void retry(Descriptor& d, Operation* op);
  // Registers the descriptor or changes what is watched; 0 or errno.
  [[nodiscard]] int watch(Descriptor& d, int fd, std::uint32_t interest);

  OwnedFd epoll_fd_;
  std::vector<Descriptor> descriptors_;
};

}  // namespace sk
