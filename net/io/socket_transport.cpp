#include "net/io/socket_transport.h"

#include "net/io/loop.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>

namespace sk {

SocketTransport::Receive::Receive(SocketTransport& owner, int fd)
    : Operation(owner.loop(), OperationKind::recv_pooled, fd, completed), owner_(owner) {}

void SocketTransport::Receive::completed(ReadyNode& node) {
  auto& self = static_cast<Receive&>(node);
  self.owner_.received(self);
}

SocketTransport::Transmit::Transmit(SocketTransport& owner, int fd, OperationKind kind)
    : Operation(owner.loop(), kind, fd, completed), owner_(owner) {}

void SocketTransport::Transmit::point_at(std::string_view bytes) {
  bytes_ = {const_cast<char*>(bytes.data()), bytes.size()};
}

void SocketTransport::Transmit::completed(ReadyNode& node) {
  auto& self = static_cast<Transmit&>(node);
  self.owner_.transmitted(self);
}

SocketTransport::SocketTransport(Loop& loop, int fd, Duration write_stall_timeout)
    : Transport(loop),
      fd_(fd),
      write_stall_timeout_(write_stall_timeout),
      receive_(*this, fd),
      send_(*this, fd, OperationKind::send),
      sendmsg_(*this, fd, OperationKind::sendmsg),
      flush_(*this),
      idle_(loop) {}

SocketTransport::~SocketTransport() { SK_ASSERT(fd_ < 0); }

void SocketTransport::start() {
  if (!std::exchange(started_, true)) {
    receive_.start(nullptr, kNever);
  }
}

void SocketTransport::input_taken() {
  if (!closing_) {
    receive_.start(nullptr, kNever);
  }
}

void SocketTransport::received(Receive& op) {
  if (closing_) {
    static_cast<void>(op.take_buffer());
    idle_.set();
    return;
  }
  if (op.result() < 0) {
    break_with(op.error("recv"));
  } else if (op.result() == 0) {
    deliver_end();
  } else {
    deliver(op.take_buffer());
  }
}

void SocketTransport::flush() {
  if (!sending() && !closing_ && !broken()) {
    loop_.at_turn_end(flush_);
  }
}

void SocketTransport::transmit() {
  if (sending() || sent_unseen() || closing_ || broken()) {
    return;
  }
  if (output_.empty()) {
    if (shutdown_wanted_ && !shutdown_done_) {
      shutdown_done_ = true;
      ::shutdown(fd_, SHUT_WR);
    }
    return;
  }
  const Instant stalled_at = after(loop_.now(), write_stall_timeout_ / 2);
  const std::size_t count = output_.peek(pieces_);
  if (count == 1) {
    send_.point_at({static_cast<const char*>(pieces_[0].iov_base), pieces_[0].iov_len});
    send_.start(nullptr, stalled_at);
    return;
  }
  message_.msg_iov = pieces_.data();
  message_.msg_iovlen = count;
  sendmsg_.point_at(message_);
  sendmsg_.start(nullptr, stalled_at);
}

void SocketTransport::transmitted(Transmit& op) {
  if (closing_) {
    idle_.set();
    return;
  }
  if (op.result() < 0) {
    const Error error = op.error("send");
    if (error.code == ErrorCode::timeout && peer_takes_bytes()) {
      transmit();
    } else {
      break_with(error);
    }
    return;
  }
  unacknowledged_.reset();
  output_.consume(static_cast<std::size_t>(op.result()));
  output_moved();
  if (!output_.empty() || shutdown_wanted_) {
    transmit();
  }
}

// The kernel reports room for more only when a third of its buffer is free, which a slow reader may
// not manage within the timeout. So half of it is waited twice: the second time, what the peer has
// not acknowledged must have become less since the first.
bool SocketTransport::peer_takes_bytes() {
  int now = 0;
  if (::ioctl(fd_, SIOCOUTQ, &now) < 0) {
    return false;
  }
  const std::optional<int> before = std::exchange(unacknowledged_, now);
  return !before || now < *before;
}

void SocketTransport::shutdown_write() {
  shutdown_wanted_ = true;
  flush();
}

void SocketTransport::reset_on_close() {
  const linger hard{1, 0};  // no effect on a Unix socket, whose peer sees an end of stream
  static_cast<void>(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
}

Task<void> SocketTransport::close() {
  if (fd_ < 0) {
    co_return;
  }
  closing_ = true;
  flush_.unlink();
  receive_.stop(ErrorCode::cancelled);
  send_.stop(ErrorCode::cancelled);
  sendmsg_.stop(ErrorCode::cancelled);
  // A completion that is on the ready list already has left "in flight" but not yet run.
  while (receive_.in_flight() || sending()) {
    const Result<void> ignored = co_await idle_.wait_uninterruptible();
    static_cast<void>(ignored);
  }
  output_.clear();
  loop_.close(std::exchange(fd_, -1));
}

}  // namespace sk
