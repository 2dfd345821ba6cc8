// H1Server serves HTTP/1.1 (and 1.0) connections of one loop: each becomes a sequence of exchanges
// for one handler.
//
// Requests of a connection are answered one after the other, in order; while a handler runs the
// transport reads ahead at most one buffer. A client's FIN is a half-close: what it sent is still
// answered. A reset or failed write cancels the exchange. A request that breaks the protocol or a
// limit is answered by the server itself (problem+json, Connection: close), reported through
// ExchangeHandler::rejected(), and nothing behind it is read as a request.
//
// Owned by one loop's thread. All connections must have ended (join) before destruction.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/http/exchange.h"
#include "net/http/limits.h"
#include "net/http/request_id.h"
#include "net/io/address.h"
#include "net/io/cancel.h"
#include "net/io/task.h"
#include "net/io/task_group.h"
#include "net/io/transport.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace sk {

struct H1ServerConfig {
  H1Limits limits;
  std::uint32_t requests_per_connection = 10000;
  std::uint32_t output_buffer_bytes = 262144;     // per connection; producers wait above it
  std::uint32_t body_min_rate_bytes_per_s = 240;  // while a handler waits for the body
  std::uint32_t linger_bytes = 65536;             // of an unread request that are read and dropped
  std::chrono::milliseconds header_timeout{10000};     // first byte of a head to its end
  std::chrono::milliseconds body_idle_timeout{10000};  // the body stands still
  std::chrono::milliseconds idle_timeout{75000};       // between requests, and before the first
  std::chrono::milliseconds linger_timeout{1000};      // the same as linger_bytes, in time
  std::chrono::milliseconds drain_idle_timeout{500};   // idle_timeout once the server drains
};

struct H1ServerCounters {
  std::uint64_t connections = 0;  // ever
  std::uint64_t requests = 0;     // that became an exchange
  std::uint64_t rejected = 0;     // answered by the server itself
  std::uint64_t aborted = 0;      // responses that were cut short
  std::uint64_t header_timeouts = 0;
  std::uint64_t body_timeouts = 0;
  std::uint64_t idle_timeouts = 0;
};

class H1Connection;
struct H1ConnectionTag {};

class H1Server {
 public:
  // handler and config must outlive the server.
  H1Server(Loop& loop, ExchangeHandler& handler, const H1ServerConfig& config);
  ~H1Server();
  H1Server(const H1Server&) = delete;
  H1Server& operator=(const H1Server&) = delete;

  // Serves one connection until it is over: starts the transport and, at the end, closes it.
  [[nodiscard]] Task<void> serve(std::unique_ptr<Transport> transport, PeerName peer, bool tls);
  // serve() as a task of the server's own.
  void start(std::unique_ptr<Transport> transport, const PeerName& peer, bool tls);

  // Every response from now on is its connection's last. Idle connections stay: the next request
  // on one, which may be on its way, is still answered.
  void announce_close();
  // announce_close(), and idle connections wait for a request only drain_idle_timeout longer: one
  // that the client has just sent, not knowing of the drain, is answered and not lost.
  void drain();
  // Cancels every exchange and closes every connection, without waiting for clients.
  void abort();
  // Waits for the connections that start() began. Does not end by itself: drain() or abort() first.
  [[nodiscard]] Task<void> join();

  [[nodiscard]] std::size_t connections() const { return open_; }
  // Of them, with a request being read or answered.
  [[nodiscard]] std::size_t busy() const { return busy_; }
  [[nodiscard]] bool last_responses() const { return last_responses_; }
  [[nodiscard]] bool draining() const { return drain_until_ != kNever; }
  [[nodiscard]] const H1ServerCounters& counters() const { return counters_; }
  [[nodiscard]] const H1ServerConfig& config() const { return config_; }

 private:
  friend class H1Connection;
  friend class H1Exchange;

  Loop& loop_;
  ExchangeHandler& handler_;
  const H1ServerConfig& config_;
  CancelScope scope_;
  RequestIdSource ids_;
  IntrusiveList<H1Connection, H1ConnectionTag> list_;
  std::size_t open_ = 0;
  std::size_t busy_ = 0;
  bool last_responses_ = false;
  Instant drain_until_ = kNever;  // how long idle connections may stay idle
  H1ServerCounters counters_;
  TaskGroup tasks_;
};

}  // namespace sk
