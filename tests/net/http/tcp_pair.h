// A connected pair of TCP sockets over loopback, and a raw client on one end of it that talks bytes
// while the loop runs: bounded waits, no threads, no sleeps.
#pragma once

#include "net/core/assert.h"

#include "tests/support/loop_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace sk::test {

struct TcpPair {
  TcpPair() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    SK_ASSERT(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    SK_ASSERT(::listen(listener, 1) == 0);
    SK_ASSERT(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    theirs = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SK_ASSERT(::connect(theirs, reinterpret_cast<sockaddr*>(&address), size) == 0);
    ours = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    SK_ASSERT(ours >= 0);
    ::close(listener);
  }
  int ours;
  int theirs;
};

class RawPeer {
 public:
  RawPeer(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() { close(); }

  void close() {
    if (fd_ >= 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }
  // Closes so that the other side sees a reset.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close();
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }

  // Sends everything, running the loop where the socket is full.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        continue;
      }
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        return;
      }
      loop_.run_once(loop_.read_clock() + std::chrono::milliseconds(1));
    }
  }

  // What has arrived so far without running the loop.
  const std::string& poll() {
    std::array<char, 65536> buffer;
    while (fd_ >= 0 && !ended_ && !was_reset_) {
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(got));
      } else if (got == 0) {
        ended_ = true;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      } else {
        was_reset_ = true;
      }
    }
    return received_;
  }

  // Runs the loop until the text has arrived; all that was received.
  bool wait_for(std::string_view text) {
    return run_until(loop_, [&] { return poll().find(text) != std::string::npos; });
  }
  bool wait_for_count(std::string_view text, std::size_t count) {
    return run_until(loop_, [&] { return occurrences(poll(), text) >= count; });
  }
  bool wait_for_end() {
    return run_until(loop_, [&] {
      poll();
      return ended_ || was_reset_;
    });
  }
  // Lets the loop do what it can do now.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      loop_.run_once(loop_.read_clock());
      poll();
    }
  }

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool was_reset() const { return was_reset_; }
  void forget() { received_.clear(); }

  static std::size_t occurrences(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) {
      ++count;
    }
    return count;
  }

 private:
  Loop& loop_;
  int fd_;
  std::string received_;
  bool ended_ = false;
  bool was_reset_ = false;
};

}  // namespace sk::test
