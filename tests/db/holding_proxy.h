// HoldingProxy stands between a client and a real server on loopback, counts the commands that pass
// on each connection, and withholds replies when told to. It proves pipelining: replies that only
// come after the twentieth command has arrived on one connection never come to a client that waits
// for the first.
#pragma once

#include "net/core/assert.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sk::test {

enum class Protocol { postgres, redis };

// Counts whole commands in a stream: Sync messages of PostgreSQL, arrays of bulk strings of Redis.
class CommandCounter {
 public:
  explicit CommandCounter(Protocol protocol) : protocol_(protocol) {}

  std::size_t add(std::string_view bytes) {
    rest_.append(bytes);
    std::size_t commands = 0;
    while (protocol_ == Protocol::postgres ? next_message(commands) : next_array(commands)) {
    }
    return commands;
  }

 private:
  bool next_message(std::size_t& commands) {
    const std::size_t type_bytes = started_ ? 1 : 0;  // the first message has no type
    if (rest_.size() < type_bytes + 4) {
      return false;
    }
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      length = (length << 8) | static_cast<unsigned char>(rest_[type_bytes + i]);
    }
    if (rest_.size() < type_bytes + length) {
      return false;
    }
    if (started_ && rest_[0] == 'S') {
      ++commands;
    }
    rest_.erase(0, type_bytes + length);
    started_ = true;
    return true;
  }

  bool next_array(std::size_t& commands) {
    std::size_t at = 0;
    const auto number_line = [&](char mark) -> long {
      const std::size_t end = rest_.find("\r\n", at);
      if (end == std::string::npos) {
        return -1;
      }
      EXPECT_EQ(rest_[at], mark);
      const long value = std::strtol(rest_.c_str() + at + 1, nullptr, 10);
      at = end + 2;
      return value;
    };
    const long count = number_line('*');
    if (count < 0) {
      return false;
    }
    for (long i = 0; i < count; ++i) {
      const long size = number_line('$');
      if (size < 0 || rest_.size() < at + static_cast<std::size_t>(size) + 2) {
        return false;
      }
      at += static_cast<std::size_t>(size) + 2;
    }
    rest_.erase(0, at);
    ++commands;
    return true;
  }

  Protocol protocol_;
  std::string rest_;
  bool started_ = false;
};

class HoldingProxy {
 public:
  HoldingProxy(Protocol protocol, std::uint16_t target_port)
      : protocol_(protocol), target_port_(target_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address = loopback(0);
    SK_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    SK_ASSERT(::listen(listener_, 64) == 0);
    socklen_t size = sizeof(address);
    SK_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~HoldingProxy() {
    stop_ = true;
    thread_.join();
    for (Pair& pair : pairs_) {
      pair.close();
    }
    ::close(listener_);
  }
  HoldingProxy(const HoldingProxy&) = delete;
  HoldingProxy& operator=(const HoldingProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  // From now on every connection's replies wait until that many commands have come on it.
  void hold_until(std::size_t commands) {
    counts_reset_ = true;
    while (counts_reset_) {
      std::this_thread::yield();
    }
    hold_until_ = commands;
  }
  void hold_for_ever() { hold_until(SIZE_MAX); }
  void let_go() { hold_until_ = 0; }
  // Commands on the busiest connection since hold_until().
  [[nodiscard]] std::size_t commands_max() const { return commands_max_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  // Breaks every connection and refuses new ones until let_in().
  void shut_out() { shut_out_ = true; }
  void let_in() { shut_out_ = false; }

 private:
  struct Pair {
    int client;
    int server;
    CommandCounter counter;
    std::size_t commands = 0;
    std::string to_server;
    std::string to_client;
    bool ended = false;
    void close() {
      ::close(client);
      ::close(server);
    }
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
      return;
    }
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(target_port_);
    if (shut_out_ ||
        ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      ::close(server);
      ::close(client);
      return;
    }
    ::fcntl(server, F_SETFL, O_NONBLOCK);
    pairs_.push_back(Pair{client, server, CommandCounter(protocol_), 0, {}, {}, false});
    ++connections_;
  }

  static void receive(int fd, std::string& into, bool& ended, CommandCounter* counter,
                      std::size_t* commands) {
    char bytes[65536];
    const ssize_t got = ::recv(fd, bytes, sizeof(bytes), 0);
    if (got > 0) {
      const std::string_view view(bytes, static_cast<std::size_t>(got));
      into.append(view);
      if (counter != nullptr) {
        *commands += counter->add(view);
      }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      ended = true;
    }
  }

  static void send(int fd, std::string& from, bool& ended) {
    if (from.empty()) {
      return;
    }
    const ssize_t sent = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      from.erase(0, static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      ended = true;
    }
  }

  void run() {
    while (!stop_) {
      std::vector<pollfd> waits = {{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) {
        waits.push_back({pair.client, POLLIN, 0});
        waits.push_back({pair.server, POLLIN, 0});
      }
      ::poll(waits.data(), waits.size(), 2);
      if (counts_reset_) {
        commands_max_ = 0;
        for (Pair& pair : pairs_) {
          pair.commands = 0;
        }
        counts_reset_ = false;
      }
      accept_one();
      for (auto pair = pairs_.begin(); pair != pairs_.end();) {
        receive(pair->client, pair->to_server, pair->ended, &pair->counter, &pair->commands);
        receive(pair->server, pair->to_client, pair->ended, nullptr, nullptr);
        commands_max_ = std::max(commands_max_.load(), pair->commands);
        send(pair->server, pair->to_server, pair->ended);
        if (pair->commands >= hold_until_) {
          send(pair->client, pair->to_client, pair->ended);
        }
        if (pair->ended || shut_out_) {
          pair->close();
          pair = pairs_.erase(pair);
        } else {
          ++pair;
        }
      }
    }
  }

  Protocol protocol_;
  std::uint16_t target_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<bool> counts_reset_{false};
  std::atomic<bool> shut_out_{false};
  std::atomic<std::size_t> hold_until_{0};
  std::atomic<std::size_t> commands_max_{0};
  std::atomic<std::size_t> connections_{0};
  std::list<Pair> pairs_;  // the thread's
  std::thread thread_;
};

}  // namespace sk::test
