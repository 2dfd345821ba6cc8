#include "net/io/epoll_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sk {
namespace {

constexpr std::size_t kEventsPerWait = 256;

constexpr std::uint32_t kAcceptInterest = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE;
constexpr std::uint32_t kInterest = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

EpollLoop::EpollLoop(const LoopConfig& config, Alarms alarms)
    : Loop(config, std::move(alarms)), epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_fd_.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
  for (const int fd : {alarms_.wake.get(), alarms_.timer.get()}) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
  }
}

EpollLoop::Descriptor& EpollLoop::descriptor(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= descriptors_.size()) {
    descriptors_.resize(index + index / 2 + 64);
  }
  return descriptors_[index];
}

bool EpollLoop::may_try(const Descriptor& d, const Operation& op) {
  switch (op.direction()) {
    case Operation::Direction::in:
      // A poll says nothing about what the library that asked for it has read since.
      return d.maybe_readable || d.ended || op.kind() == OperationKind::poll;
    case Operation::Direction::out:
      return d.maybe_writable || d.ended || op.kind() == OperationKind::poll;
    case Operation::Direction::both:
      break;
  }
  return true;
}

bool EpollLoop::attempt(Descriptor& d, Operation& op) {
  const int result = op.try_now();
  if (result == -ENOBUFS && op.kind() == OperationKind::recv_pooled) {
    park_starved(op);
    return true;
  }
  const bool blocked = result == -EAGAIN;
  const bool short_transfer = result >= 0 && static_cast<std::size_t>(result) < op.wanted_bytes();
  if (blocked || short_transfer) {
    if (op.direction() != Operation::Direction::out) {
      d.maybe_readable = false;
    }
    if (op.direction() != Operation::Direction::in) {
      d.maybe_writable = false;
    }
  }
  if (blocked) {
    return false;
  }
  ++counters_.completions;
  op.complete(result);
  return true;
}

void EpollLoop::submit(Operation& op) {
  if (op.fd() < 0) {
    op.complete(-EBADF);
    return;
  }
  Descriptor& d = descriptor(op.fd());
  if (may_try(d, op) && attempt(d, op)) {
    return;
  }
  park(d, op);
}

void EpollLoop::park(Descriptor& d, Operation& op) {
  if (op.direction() != Operation::Direction::out) {
    SK_ASSERT(d.in == nullptr);
    d.in = &op;
  }
  if (op.direction() != Operation::Direction::in) {
    SK_ASSERT(d.out == nullptr);
    d.out = &op;
  }
  std::uint32_t wanted = kAcceptInterest;
  if (op.kind() != OperationKind::accept) {
    wanted = kInterest | d.interest | (d.out != nullptr ? EPOLLOUT : 0U);
  }
  if (const int error = watch(d, op.fd(), wanted); error != 0) {
    unpark(d, op);
    op.complete(-error);
  }
}

int EpollLoop::watch(Descriptor& d, int fd, std::uint32_t interest) {
  if (d.interest == interest) {
    return 0;
  }
  // Adding and changing report what is ready already, so nothing is lost between the try and this
  // call.
  epoll_event event{};
  event.events = interest;
  event.data.fd = fd;
  const int verb = d.interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_fd_.get(), verb, fd, &event) != 0) {
    return errno;
  }
  d.interest = interest;
  return 0;
}

void EpollLoop::unpark(Descriptor& d, Operation& op) {
  if (d.in == &op) {
    d.in = nullptr;
  }
  if (d.out == &op) {
    d.out = nullptr;
  }
}

void EpollLoop::request_cancel(Operation& op) {
  ListHook<StarvedTag>& starved = op;
  starved.unlink();
  unpark(descriptor(op.fd()), op);
  op.complete(-ECANCELED);
}

void EpollLoop::retry(Descriptor& d, Operation* op) {
  if (op == nullptr) {
    return;
  }
  unpark(d, *op);
  if (!attempt(d, *op)) {
    park(d, *op);
  }
}

void EpollLoop::poll_kernel(bool wait) {
  std::array<epoll_event, kEventsPerWait> events;
  const int count = ::epoll_wait(epoll_fd_.get(), events.data(), kEventsPerWait, wait ? -1 : 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == alarms_.wake.get()) {
      wake_seen();
      continue;
    }
    if (event.data.fd == alarms_.timer.get()) {
      timer_seen();
      continue;
    }
    Descriptor& d = descriptor(event.data.fd);
    const std::uint32_t happened = event.events;
    if ((happened & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      d.ended = true;
    }
    if ((happened & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      d.maybe_readable = true;
      retry(d, d.in);
    }
    if ((happened & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
      d.maybe_writable = true;
      if (d.out == nullptr && (d.interest & EPOLLOUT) != 0) {
        // Nobody waits for room any more. Should this fail, the next event tries again.
        static_cast<void>(watch(d, event.data.fd, kInterest));
      }
      retry(d, d.out);
    }
  }
}

void EpollLoop::close(int fd) {
  Descriptor& d = descriptor(fd);
  SK_ASSERT(d.in == nullptr);
  SK_ASSERT(d.out == nullptr);
  if (d.interest != 0) {
    // close() alone would not do where another process still holds the socket.
    ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
  d = Descriptor{};
  ::close(fd);
}

}  // namespace sk
