// H1Connection: reads the requests of one connection and runs the handler for each, until one side
// has had enough. Part of h1_server; lives in the coroutine that serves the connection.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/http/h1_exchange.h"
#include "net/http/h1_server.h"

namespace sk {

class H1Connection : public ListHook<H1ConnectionTag> {
 public:
  H1Connection(H1Server& server, Transport& transport, const PeerName& peer, bool tls);
  ~H1Connection();
  H1Connection(const H1Connection&) = delete;
  H1Connection& operator=(const H1Connection&) = delete;

  // Returns when the connection is over; the caller closes the transport.
  [[nodiscard]] Task<void> run();

  void wake_if_idle();

 private:
  using Progress = H1Exchange::Progress;

  static void transport_broken(void* self);
  void set_busy(bool busy);
  Progress poll_head();
  [[nodiscard]] Instant head_wait_until();
  Progress head_wait_failed(const Error& error);
  void answer_rejection();
  [[nodiscard]] Task<bool> serve_request();
  [[nodiscard]] Task<void> linger(std::size_t bytes_max);

  H1Server& server_;
  Transport& transport_;
  const PeerName peer_;
  CancelScope scope_;
  H1Exchange exchange_;
  std::uint32_t requests_ = 0;
  Instant idle_until_ = kNever;
  Instant head_until_ = kNever;
  bool busy_ = false;
};

}  // namespace sk
