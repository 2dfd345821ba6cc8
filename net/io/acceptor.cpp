#include "net/io/acceptor.h"

#include "net/io/loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sk {
namespace {

// Clients that are turned away in one go when no descriptor is left.
constexpr int kTurnAwayBatch = 64;

OwnedFd open_spare() { return OwnedFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool out_of_descriptors(int error) { return error == EMFILE || error == ENFILE; }

}  // namespace

Acceptor::Accept::Accept(Acceptor& owner, int fd)
    : Operation(owner.loop_, OperationKind::accept, fd, completed), owner_(owner) {}

void Acceptor::Accept::completed(ReadyNode& node) { static_cast<Accept&>(node).owner_.completed(); }

void Acceptor::Retry::fired(TimerNode& timer) {
  Acceptor& acceptor = static_cast<Retry&>(timer).owner;
  acceptor.backing_off_ = false;
  acceptor.settle();
}

Acceptor::Acceptor(Loop& loop, int listener_fd, OnConnection on_connection, AcceptorConfig config)
    : loop_(loop),
      listener_fd_(listener_fd),
      config_(config),
      on_connection_(std::move(on_connection)),
      spare_fd_(open_spare()),
      retry_(*this),
      unwatched_(loop) {}

Acceptor::~Acceptor() {
  SK_ASSERT(!accept_);
  SK_ASSERT(held_.empty());
}

void Acceptor::start() { resume(); }

void Acceptor::resume() {
  if (!stopped_) {
    wanted_ = true;
    deliver_held();
    settle();
  }
}

void Acceptor::pause() {
  wanted_ = false;
  settle();
}

void Acceptor::settle() {
  if (!accept_) {
    if (wanted_ && !backing_off_) {
      watch();
    }
    return;
  }
  if (accept_->completing()) {
    return;
  }
  if (wanted_ && !backing_off_) {
    if (!accept_->in_flight()) {
      accept_->start(nullptr, kNever);
    }
    return;  // one that is being ended completes, and is started again then
  }
  // Under io_uring the kernel may still accept for an operation that is not in flight.
  if (!accept_->in_flight() && accept_->lives_in_kernel()) {
    accept_->start(nullptr, kNever);
  }
  if (accept_->in_flight()) {
    accept_->stop(ErrorCode::cancelled);
    return;
  }
  if (accept_->completing()) {
    return;
  }
  const int watched = accept_->fd();
  accept_.reset();
  loop_.close(watched);
  unwatched_.set();
}

void Acceptor::watch() {
  // Not watching has to take the listener out of epoll altogether: a loop that sleeps with it would
  // swallow wake-ups meant for a loop that accepts. Closing a duplicate of our own does that.
  const int watched = ::fcntl(listener_fd_, F_DUPFD_CLOEXEC, 0);
  if (watched < 0) {
    failed(errno);
    return;
  }
  accept_.emplace(*this, watched);
  accept_->start(nullptr, kNever);
}

void Acceptor::completed() {
  const int result = accept_->result();
  std::vector<int>& accepted = accept_->accepted();
  held_.insert(held_.end(), accepted.begin(), accepted.end());
  accepted.clear();
  if (result < 0 && result != -ECONNABORTED && result != -EINTR && result != -ECANCELED) {
    failed(-result);
  }
  // The callbacks may pause, and so end the operation.
  deliver_held();
  settle();
}

void Acceptor::failed(int error) {
  if (out_of_descriptors(error)) {
    turn_away();
  } else {
    ++counters_.errors;
  }
  backing_off_ = true;
  loop_.timers().arm(retry_, after(loop_.now(), config_.retry_delay));
}

void Acceptor::deliver(int fd) {
  ++counters_.accepted;
  on_connection_(fd);
}

void Acceptor::deliver_held() {
  while (wanted_ && !held_.empty()) {
    const int fd = held_.back();
    held_.pop_back();
    deliver(fd);
  }
}

void Acceptor::turn_away() {
  for (int i = 0; i < kTurnAwayBatch; ++i) {
    spare_fd_.reset();
    OwnedFd client(::accept4(listener_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const bool accepted = client.get() >= 0;
    if (accepted) {
      ++counters_.turned_away;
      client.reset();
    }
    spare_fd_ = open_spare();
    if (!accepted || spare_fd_.get() < 0) {
      return;
    }
  }
}

void Acceptor::sweep_backlog() {
  for (std::size_t i = 0; i < config_.sweep_max; ++i) {
    const int client = ::accept4(listener_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
      deliver(client);
    } else if (out_of_descriptors(errno)) {
      turn_away();
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return;
    }
  }
}

Task<void> Acceptor::stop() {
  if (stopped_) {
    co_return;
  }
  stopped_ = true;
  wanted_ = false;
  loop_.timers().disarm(retry_);
  settle();
  while (accept_) {
    const Result<void> ignored = co_await unwatched_.wait_uninterruptible();
    static_cast<void>(ignored);
  }
  while (!held_.empty()) {
    const int fd = held_.back();
    held_.pop_back();
    deliver(fd);
  }
  sweep_backlog();
}

}  // namespace sk
