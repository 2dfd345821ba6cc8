// Listener: a bound and listening stream socket. Opened before the threads start, shared by the
// acceptors of all loops, closed when the last of them has stopped.
#pragma once

#include "net/core/result.h"
#include "net/io/address.h"

#include <sys/types.h>

#include <string>
#include <utility>

namespace sk {

struct ListenOptions {
  int backlog = 4096;       // the kernel's net.core.somaxconn is the upper limit
  mode_t unix_mode = 0660;  // of a Unix socket's file: who may connect
};

class Listener {
 public:
  // A Unix socket's file that nobody listens on any more is replaced; any other file is not. Errors
  // have the origin config; explain_listen_failure() makes a line of them.
  [[nodiscard]] static Result<Listener> open(const Address& address,
                                             const ListenOptions& options = {});
  Listener(Listener&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), local_(std::exchange(other.local_, Address())) {}
  Listener& operator=(Listener&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(local_, other.local_);
    return *this;
  }
  ~Listener() { close(); }

  // Idempotent; removes the file of a Unix socket. Connections still in the backlog are reset: let
  // the acceptors sweep it first (Acceptor::stop).
  void close();

  [[nodiscard]] int fd() const { return fd_; }
  // With the port the kernel chose where the configuration said 0.
  [[nodiscard]] const Address& local() const { return local_; }

 private:
  Listener(int fd, const Address& local) : fd_(fd), local_(local) {}

  int fd_ = -1;
  Address local_;
};

// "cannot listen on [::]:443: the address is in use (EADDRINUSE): stop the program that has it
// (ss -ltnp names it) or configure another one". For start-up messages.
[[nodiscard]] std::string explain_listen_failure(const Address& address, const Error& error);

}  // namespace sk
