// Operation: one request to the kernel, and the wait for its completion.
//
// An operation knows both how to describe itself to io_uring (prepare) and how to make its own
// non-blocking system call (try_now), so that the two drivers of loop.h stay generic. It is
// started, is in flight until its completion, and may then be started again. The memory it names
// (buffer, message, address) belongs to the kernel while it is in flight; an operation that is
// destroyed in flight is a broken invariant. Being cancelled or timing out asks the kernel to stop:
// the operation ends when its completion arrives, and if that brings data the data win.
//
// Results follow the kernel's: >= 0, or -errno. When the wait was interrupted and the kernel
// answered -ECANCELED, error() is the reason of the interruption.
#pragma once

#include "net/core/buffer.h"
#include "net/io/wait.h"

#include <sys/socket.h>

#include <cstdint>
#include <vector>

struct io_uring_sqe;

namespace sk {

enum class OperationKind : std::uint8_t {
  accept,  // multishot; completed with accepted() filled
  connect,
  recv,         // into memory of the caller
  recv_pooled,  // into a buffer that is taken from the loop's pool when data have come
  recvmsg,
  send,     // may be short
  sendmsg,  // may be short
  poll,     // level-triggered, one shot: for libraries that do their own system calls
};

struct StarvedTag {};

class Operation : public Wait, public ListHook<StarvedTag> {
 public:
  ~Operation() { SK_ASSERT(!in_flight_); }

  // The operation must not be in flight. A null scope: only the driver ends it.
  void start(CancelScope* scope, Instant until);
  // Asks for an early end; harmless when nothing is in flight.
  void stop(ErrorCode reason);

  [[nodiscard]] bool in_flight() const { return in_flight_; }
  [[nodiscard]] int result() const { return result_; }
  [[nodiscard]] Error error(const char* step) const;

  // --- for the drivers in uring_loop.cpp and epoll_loop.cpp ---
  enum class Direction : std::uint8_t { in, out, both };
  [[nodiscard]] OperationKind kind() const { return kind_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Direction direction() const;
  void prepare(io_uring_sqe* entry);
  [[nodiscard]] int try_now();
  // Bytes that a full transfer would have moved; a shorter one left the socket drained or full.
  [[nodiscard]] std::size_t wanted_bytes() const;
  void attach_buffer(Buffer& buffer, std::size_t bytes) {
    buffer_ = Slice::adopt(buffer, buffer.data, bytes);
  }
  void complete(int result);

 protected:
  Operation(Loop& loop, OperationKind kind, int fd, ReadyNode::Run on_run)
      : Wait(loop, on_run, on_interrupt), kind_(kind), fd_(fd) {}

  union {
    struct {
      char* data;
      std::size_t size;
    } bytes_;
    msghdr* message_;
    struct {
      const sockaddr* address;
      socklen_t size;
    } peer_;
    short poll_mask_;
  };
  Slice buffer_;
  std::vector<int> accepted_;

  // accept under io_uring: the kernel still accepts for this operation although it is not in
  // flight. To end that, start() it and stop() it until this is false.
  [[nodiscard]] bool accepting_in_kernel() const { return multishot_armed_; }

 private:
  static void on_interrupt(Wait& wait);
  int accept_now();

  OperationKind kind_;
  bool in_flight_ = false;
  bool connecting_ = false;  // epoll: connect() was called and answered EINPROGRESS
  int fd_;
  int result_ = 0;

  friend class UringLoop;
  bool drained_ = false;  // io_uring: the last receive left nothing behind, so poll before trying
  bool multishot_armed_ = false;  // io_uring: the accept request still lives in the kernel
};

// --- operations that a coroutine awaits: constructed, awaited once, gone ---

class AwaitedOperation : public Operation {
 public:
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    start(scope_, until_);
  }

 protected:
  AwaitedOperation(CancelScope& scope, OperationKind kind, int fd, Instant until);

 private:
  CancelScope* scope_;
  Instant until_;
};

// Result<std::size_t>: bytes received, 0 at the end of the stream.
class Recv : public AwaitedOperation {
 public:
  Recv(CancelScope& scope, int fd, char* data, std::size_t size, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::recv, fd, until) {
    bytes_ = {data, size};
  }
  Result<std::size_t> await_resume() const;
};

// Result<Slice>: the bytes received in a pooled buffer, empty at the end of the stream.
class RecvPooled : public AwaitedOperation {
 public:
  RecvPooled(CancelScope& scope, int fd, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::recv_pooled, fd, until) {}
  Result<Slice> await_resume();
};

// Result<std::size_t>: bytes taken by the kernel, possibly fewer than given.
class Send : public AwaitedOperation {
 public:
  Send(CancelScope& scope, int fd, const char* data, std::size_t size, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::send, fd, until) {
    bytes_ = {const_cast<char*>(data), size};
  }
  Result<std::size_t> await_resume() const;
};

// message and all it points to must live until the completion.
class SendMessage : public AwaitedOperation {
 public:
  SendMessage(CancelScope& scope, int fd, msghdr& message, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::sendmsg, fd, until) {
    message_ = &message;
  }
  Result<std::size_t> await_resume() const;
};

// Received descriptors are CLOEXEC.
class RecvMessage : public AwaitedOperation {
 public:
  RecvMessage(CancelScope& scope, int fd, msghdr& message, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::recvmsg, fd, until) {
    message_ = &message;
  }
  Result<std::size_t> await_resume() const;
};

class Connect : public AwaitedOperation {
 public:
  Connect(CancelScope& scope, int fd, const sockaddr* address, socklen_t size,
          Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::connect, fd, until) {
    peer_ = {address, size};
  }
  Result<void> await_resume() const;
};

// Waits until the descriptor is ready for one of the events in mask (POLLIN, POLLOUT). Level
// semantics: it ends at once if the descriptor is ready already. Result<short>: what is ready,
// including POLLERR and POLLHUP. At most one poll per descriptor, and no other operation on it.
class Poll : public AwaitedOperation {
 public:
  Poll(CancelScope& scope, int fd, short mask, Instant until = kNever)
      : AwaitedOperation(scope, OperationKind::poll, fd, until) {
    poll_mask_ = mask;
  }
  Result<short> await_resume() const;
};

}  // namespace sk
