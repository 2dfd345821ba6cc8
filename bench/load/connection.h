#pragma once

#include "bench/load/answer_reader.h"
#include "bench/load/tally.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstdint>
#include <string_view>

namespace sk::bench {

// Where a run sends its requests, and what it sends; shared by all connections, read only.
struct Target {
  sockaddr_storage address{};
  socklen_t address_length = 0;
  std::string_view request;  // the whole request head
  std::string_view expected_body;
  SSL_CTX* tls = nullptr;  // null: plain
};

// Connection carries at most one request at a time over one socket, plain or TLS, edge-triggered.
//
// It is driven by the generator: open(), then on_ready() for every epoll event; when idle() it may
// ask(). After each call the generator looks at the state; finished() tells once per good answer.
// Errors go straight into the tally, and the connection is then closed and may be opened again.
class Connection {
 public:
  enum class State { kClosed, kConnecting, kHandshaking, kIdle, kWaiting };

  Connection(const Target& target, Tally& tally)
      : target_(target), tally_(tally), reader_(target.expected_body) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts connecting and registers with `epoll_fd`. False: refused at once (counted).
  bool open(int epoll_fd);
  // Handles readiness; returns true when the awaited answer has arrived whole and is good.
  bool on_ready(std::uint32_t events);
  // Sends the request; only when idle(). `since_ns` is the start of its latency.
  void ask(std::uint64_t since_ns, std::uint64_t now_ns);
  // Gives up an unanswered request (the caller counts it).
  void close();

  State state() const { return state_; }
  bool idle() const { return state_ == State::kIdle; }
  std::uint64_t since_ns() const { return since_ns_; }
  std::uint64_t asked_ns() const { return asked_ns_; }

 private:
  void advance_handshake();
  void flush();
  bool receive();
  long read_some(std::span<char> into);  // >0 bytes, 0 end, -1 nothing yet, -2 broken
  void fail(std::uint64_t& counter);

  const Target& target_;
  Tally& tally_;
  State state_ = State::kClosed;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::size_t sent_ = 0;
  std::uint64_t since_ns_ = 0;
  std::uint64_t asked_ns_ = 0;
  AnswerReader reader_;
};

}  // namespace sk::bench
