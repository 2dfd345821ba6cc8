#include "net/http/h1_server.h"

#include "net/core/assert.h"
#include "net/http/h1_connection.h"
#include "net/io/loop.h"

#include <exception>

namespace sk {

H1Server::H1Server(Loop& loop, ExchangeHandler& handler, const H1ServerConfig& config)
    : loop_(loop),
      handler_(handler),
      config_(config),
      scope_(loop),
      ids_(loop.random()),
      tasks_(loop) {}

H1Server::~H1Server() { SK_ASSERT(open_ == 0); }

Task<void> H1Server::serve(std::unique_ptr<Transport> transport, PeerName peer, bool tls) {
  ++counters_.connections;
  ++open_;
  {
    H1Connection connection(*this, *transport, peer, tls);
    list_.push_back(connection);
    co_await connection.run();
  }
  co_await transport->close();
  --open_;
}

void H1Server::start(std::unique_ptr<Transport> transport, const PeerName& peer, bool tls) {
  tasks_.spawn(serve(std::move(transport), peer, tls));
}

void H1Server::announce_close() { last_responses_ = true; }

void H1Server::drain() {
  if (draining()) {
    return;
  }
  last_responses_ = true;
  drain_until_ = after(loop_.now(), config_.drain_idle_timeout);
  // An idle connection waits for input; waking it is enough, it looks at drain_until_ itself.
  IntrusiveList<H1Connection, H1ConnectionTag> seen;
  while (!list_.empty()) {
    H1Connection& connection = list_.pop_front();
    connection.wake_if_idle();
    seen.push_back(connection);
  }
  list_.splice_back(seen);
}

void H1Server::abort() {
  last_responses_ = true;
  scope_.cancel();
}

Task<void> H1Server::join() { co_await tasks_.join(); }

}  // namespace sk
