#include "bench/load/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace sk::bench {

void Connection::fail(std::uint64_t& counter) {
  counter += 1;
  close();
}

void Connection::close() {
  if (ssl_ != nullptr) {
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
  state_ = State::kClosed;
  reader_.reset();
}

bool Connection::open(int epoll_fd) {
  const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
  fd_ = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    fail(tally_.errors.connect);
    return false;
  }
  if (address->sa_family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (connect(fd_, address, target_.address_length) != 0 && errno != EINPROGRESS) {
    fail(tally_.errors.connect);
    return false;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd_, &event) != 0) {
    fail(tally_.errors.connect);
    return false;
  }
  state_ = State::kConnecting;
  return true;
}

void Connection::advance_handshake() {
  ERR_clear_error();
  const int done = SSL_connect(ssl_);
  if (done == 1) {
    state_ = State::kIdle;
    return;
  }
  const int why = SSL_get_error(ssl_, done);
  if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
    fail(tally_.errors.connect);
  }
}

bool Connection::on_ready(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0 || (events & (EPOLLERR | EPOLLHUP)) != 0) {
      fail(tally_.errors.connect);
      return false;
    }
    if ((events & EPOLLOUT) == 0) {
      return false;
    }
    if (target_.tls == nullptr) {
      state_ = State::kIdle;
      return false;
    }
    ssl_ = SSL_new(target_.tls);
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) {
      fail(tally_.errors.connect);
      return false;
    }
    state_ = State::kHandshaking;
  }
  if (state_ == State::kHandshaking) {
    advance_handshake();
    return false;
  }
  if (state_ == State::kWaiting && sent_ < target_.request.size() && (events & EPOLLOUT) != 0) {
    flush();
  }
  bool good = false;
  const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLIN) != 0 || ending) {
    good = receive();
    // The edge of an end may have come together with the last bytes: there will be no second one.
    if (good && ending && state_ == State::kIdle) {
      receive();
    }
  }
  return good;
}

void Connection::ask(std::uint64_t since_ns, std::uint64_t now_ns) {
  since_ns_ = since_ns;
  asked_ns_ = now_ns;
  sent_ = 0;
  state_ = State::kWaiting;
  flush();
}

void Connection::flush() {
  const std::string_view rest = target_.request.substr(sent_);
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int wrote = SSL_write(ssl_, rest.data(), static_cast<int>(rest.size()));
    if (wrote > 0) {
      sent_ += static_cast<std::size_t>(wrote);
    } else if (SSL_get_error(ssl_, wrote) != SSL_ERROR_WANT_WRITE &&
               SSL_get_error(ssl_, wrote) != SSL_ERROR_WANT_READ) {
      fail(tally_.errors.closed);
    }
    return;
  }
  const ssize_t wrote = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
  if (wrote >= 0) {
    sent_ += static_cast<std::size_t>(wrote);
  } else if (errno != EAGAIN && errno != EINTR) {
    fail(tally_.errors.closed);
  }
}

long Connection::read_some(std::span<char> into) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, into.data(), static_cast<int>(into.size()));
    if (got > 0) {
      return got;
    }
    switch (SSL_get_error(ssl_, got)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return -1;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        return -2;
    }
  }
  const ssize_t got = recv(fd_, into.data(), into.size(), 0);
  if (got >= 0) {
    return got;
  }
  return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

// Reads until the answer is whole or nothing is left. Returns true for a good answer.
bool Connection::receive() {
  for (;;) {
    const long got = read_some(reader_.space());
    if (got == -1) {
      return false;
    }
    if (got <= 0) {
      if (state_ == State::kWaiting) {
        fail(tally_.errors.closed);
      } else {
        close();  // the server ended an idle connection: its right
      }
      return false;
    }
    if (state_ == State::kIdle) {
      fail(tally_.errors.unasked);
      return false;
    }
    switch (reader_.took(static_cast<std::size_t>(got))) {
      case AnswerReader::Verdict::kIncomplete:
        continue;
      case AnswerReader::Verdict::kGood:
        reader_.reset();
        state_ = State::kIdle;
        return true;
      case AnswerReader::Verdict::kGoodThenClose:
        close();
        return true;
      case AnswerReader::Verdict::kBadStatus:
        fail(tally_.errors.status);
        return false;
      case AnswerReader::Verdict::kBadFraming:
        fail(tally_.errors.framing);
        return false;
      case AnswerReader::Verdict::kBadBody:
        fail(tally_.errors.body);
        return false;
    }
  }
}

}  // namespace sk::bench
