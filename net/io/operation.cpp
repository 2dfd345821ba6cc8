#include "net/io/operation.h"

#include "net/io/loop.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace sk {
namespace {

// At most this many connections are taken from a listener per call, so that accepting cannot
// starve the connections that are there already.
constexpr int kAcceptBatch = 64;

int result_or_errno(ssize_t result) { return result >= 0 ? static_cast<int>(result) : -errno; }

}  // namespace

void Operation::start(CancelScope* scope, Instant until) {
  SK_ASSERT(!in_flight_);
  in_flight_ = true;
  result_ = 0;
  connecting_ = false;
  if (!arm(scope, until)) {
    complete(-ECANCELED);
    return;
  }
  loop_.submit(*this);
}

void Operation::stop(ErrorCode reason) {
  if (in_flight_) {
    interrupt_as(reason);
  }
}

void Operation::complete(int result) {
  SK_DEBUG_ASSERT(in_flight_);
  in_flight_ = false;
  result_ = result;
  disarm();
  loop_.make_ready(*this);
}

void Operation::on_interrupt(Wait& wait) {
  auto& self = static_cast<Operation&>(wait);
  self.loop_.request_cancel(self);
}

Error Operation::error(const char* step) const {
  SK_DEBUG_ASSERT(result_ < 0);
  if (interrupted() && (result_ == -ECANCELED || result_ == -EINTR)) {
    return Error{reason(), ErrorOrigin::internal, 0, step};
  }
  return error_from_errno(-result_, step);
}

Operation::Direction Operation::direction() const {
  switch (kind_) {
    case OperationKind::accept:
    case OperationKind::recv:
    case OperationKind::recv_pooled:
    case OperationKind::recvmsg:
      return Direction::in;
    case OperationKind::connect:
    case OperationKind::send:
    case OperationKind::sendmsg:
      return Direction::out;
    case OperationKind::poll:
      break;
  }
  if ((poll_mask_ & POLLOUT) == 0) {
    return Direction::in;
  }
  return (poll_mask_ & POLLIN) == 0 ? Direction::out : Direction::both;
}

std::size_t Operation::wanted_bytes() const {
  switch (kind_) {
    case OperationKind::recv:
    case OperationKind::send:
      return bytes_.size;
    case OperationKind::recv_pooled:
      return kBufferBytes;
    case OperationKind::sendmsg: {
      std::size_t total = 0;
      for (std::size_t i = 0; i < message_->msg_iovlen; ++i) {
        total += message_->msg_iov[i].iov_len;
      }
      return total;
    }
    default:
      return 0;  // nothing can be concluded from a short result
  }
}

void Operation::prepare(io_uring_sqe* entry) {
  switch (kind_) {
    case OperationKind::accept:
      io_uring_prep_multishot_accept(entry, fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      break;
    case OperationKind::connect:
      io_uring_prep_connect(entry, fd_, peer_.address, peer_.size);
      break;
    case OperationKind::recv:
      io_uring_prep_recv(entry, fd_, bytes_.data, bytes_.size, 0);
      break;
    case OperationKind::recv_pooled:
      io_uring_prep_recv(entry, fd_, nullptr, kBufferBytes, 0);
      entry->flags |= IOSQE_BUFFER_SELECT;
      entry->buf_group = 0;
      if (drained_) {
        entry->ioprio |= IORING_RECVSEND_POLL_FIRST;  // saves a receive that would find nothing
      }
      break;
    case OperationKind::recvmsg:
      io_uring_prep_recvmsg(entry, fd_, message_, MSG_CMSG_CLOEXEC);
      break;
    case OperationKind::send:
      io_uring_prep_send(entry, fd_, bytes_.data, bytes_.size, MSG_NOSIGNAL);
      break;
    case OperationKind::sendmsg:
      io_uring_prep_sendmsg(entry, fd_, message_, MSG_NOSIGNAL);
      break;
    case OperationKind::poll:
      io_uring_prep_poll_add(entry, fd_, static_cast<unsigned>(poll_mask_));
      break;
  }
}

int Operation::accept_now() {
  for (int taken = 0; taken < kAcceptBatch; ++taken) {
    const int connection = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) {
      if (errno == ECONNABORTED || errno == EINTR) {
        continue;
      }
      return accepted_.empty() ? -errno : static_cast<int>(accepted_.size());
    }
    accepted_.push_back(connection);
  }
  return static_cast<int>(accepted_.size());
}

int Operation::try_now() {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  switch (kind_) {
    case OperationKind::accept:
      return accept_now();
    case OperationKind::connect: {
      if (connecting_) {
        int error = 0;
        socklen_t size = sizeof(error);
        if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
          return -errno;
        }
        if (error != 0) {
          return -error;
        }
        pollfd ready{fd_, POLLOUT, 0};
        return ::poll(&ready, 1, 0) == 1 ? 0 : -EAGAIN;
      }
      if (::connect(fd_, peer_.address, peer_.size) == 0) {
        return 0;
      }
      if (errno == EINPROGRESS) {
        connecting_ = true;
        return -EAGAIN;
      }
      // A Unix socket answers EAGAIN when its backlog is full: there is nothing to wait for.
      return errno == EAGAIN ? -ECONNREFUSED : -errno;
    }
    case OperationKind::recv:
      return result_or_errno(::recv(fd_, bytes_.data, bytes_.size, kFlags));
    case OperationKind::recv_pooled: {
      Buffer* buffer = loop_.buffers().acquire();
      if (buffer == nullptr) {
        return -ENOBUFS;
      }
      const int result = result_or_errno(::recv(fd_, buffer->data, kBufferBytes, kFlags));
      attach_buffer(*buffer, result > 0 ? static_cast<std::size_t>(result) : 0);
      if (result <= 0) {
        buffer_.reset();
      }
      return result;
    }
    case OperationKind::recvmsg:
      return result_or_errno(::recvmsg(fd_, message_, kFlags | MSG_CMSG_CLOEXEC));
    case OperationKind::send:
      return result_or_errno(::send(fd_, bytes_.data, bytes_.size, kFlags));
    case OperationKind::sendmsg:
      return result_or_errno(::sendmsg(fd_, message_, kFlags));
    case OperationKind::poll: {
      pollfd ready{fd_, poll_mask_, 0};
      const int count = ::poll(&ready, 1, 0);
      if (count < 0) {
        return -errno;
      }
      return count == 0 ? -EAGAIN : ready.revents;
    }
  }
  return -EINVAL;
}

AwaitedOperation::AwaitedOperation(CancelScope& scope, OperationKind kind, int fd, Instant until)
    : Operation(scope.loop(), kind, fd, resume_waiter), scope_(&scope), until_(until) {}

Result<std::size_t> Recv::await_resume() const {
  if (result() < 0) {
    return fail(error("recv"));
  }
  return static_cast<std::size_t>(result());
}

Result<Slice> RecvPooled::await_resume() {
  if (result() < 0) {
    return fail(error("recv"));
  }
  return std::move(buffer_);
}

Result<std::size_t> Send::await_resume() const {
  if (result() < 0) {
    return fail(error("send"));
  }
  return static_cast<std::size_t>(result());
}

Result<std::size_t> SendMessage::await_resume() const {
  if (result() < 0) {
    return fail(error("sendmsg"));
  }
  return static_cast<std::size_t>(result());
}

Result<std::size_t> RecvMessage::await_resume() const {
  if (result() < 0) {
    return fail(error("recvmsg"));
  }
  return static_cast<std::size_t>(result());
}

Result<void> Connect::await_resume() const {
  if (result() < 0) {
    return fail(error("connect"));
  }
  return {};
}

Result<short> Poll::await_resume() const {
  if (result() < 0) {
    return fail(error("poll"));
  }
  return static_cast<short>(result());
}

}  // namespace sk
