#include "net/http/h1_connection.h"

#include "net/core/assert.h"
#include "net/io/loop.h"

#include <algorithm>

namespace sk {

H1Connection::H1Connection(H1Server& server, Transport& transport, const PeerName& peer, bool tls)
    : server_(server),
      transport_(transport),
      peer_(peer),
      scope_(server.scope_),
      exchange_(server, transport) {
  exchange_.peer = Peer{peer_.ip(), peer_.port, tls};
  exchange_.remote = exchange_.peer;
  transport_.on_broken(transport_broken, this);
}

H1Connection::~H1Connection() {
  set_busy(false);
  transport_.on_broken(nullptr, nullptr);
}

void H1Connection::transport_broken(void* self) {
  static_cast<H1Connection*>(self)->exchange_.abandon(ErrorCode::reset);
}

void H1Connection::set_busy(bool busy) {
  if (busy != busy_) {
    busy_ = busy;
    server_.busy_ += busy ? std::size_t{1} : std::size_t(-1);
  }
}

void H1Connection::wake_if_idle() {
  if (!busy_) {
    transport_.input_event().set();
  }
}

H1Connection::Progress H1Connection::poll_head() {
  const Progress progress = exchange_.read_head();
  if (progress == Progress::wait) {
    set_busy(!exchange_.idle());
  }
  return progress;
}

Instant H1Connection::head_wait_until() {
  if (exchange_.idle()) {
    return std::min(idle_until_, server_.drain_until_);
  }
  if (head_until_ == kNever) {
    head_until_ = after(server_.loop_.now(), server_.config().header_timeout);
  }
  return head_until_;
}

H1Connection::Progress H1Connection::head_wait_failed(const Error& error) {
  if (error.code != ErrorCode::timeout) {
    return Progress::ended;
  }
  if (transport_.readable()) {
    return poll_head();  // it came in the same turn
  }
  if (exchange_.idle()) {
    server_.counters_.idle_timeouts += server_.draining() ? 0 : 1;
    return Progress::ended;
  }
  ++server_.counters_.header_timeouts;
  exchange_.time_out();
  return Progress::rejected;
}

void H1Connection::answer_rejection() {
  ++server_.counters_.rejected;
  const Reject why = exchange_.rejection();
  exchange_.write_rejection(why);
  server_.handler_.rejected(Rejection{exchange_.peer, why.status, why.reason});
}

Task<void> H1Connection::run() {
  transport_.start();
  std::size_t linger_bytes = server_.config().linger_bytes;
  bool more = true;
  while (more) {
    idle_until_ = after(server_.loop_.now(), server_.config().idle_timeout);
    head_until_ = kNever;
    exchange_.await_request();
    Progress progress = poll_head();
    while (progress == Progress::wait) {
      const Result<void> waited = co_await transport_.input_event().wait(scope_, head_wait_until());
      progress = waited ? poll_head() : head_wait_failed(waited.error());
    }
    if (progress == Progress::rejected) {
      answer_rejection();
      break;
    }
    if (progress == Progress::ended) {
      linger_bytes =
          0;  // a request that comes now is not read: the client sees that it got nowhere
      break;
    }
    set_busy(true);
    more = co_await serve_request();
  }
  if (exchange_.aborted()) {
    transport_.reset_on_close();
    co_return;
  }
  co_await linger(linger_bytes);
}

// False where this was the last request of the connection.
Task<bool> H1Connection::serve_request() {
  ++requests_;
  ++server_.counters_.requests;
  exchange_.start(scope_, requests_ < server_.config().requests_per_connection);
  bool failed = false;
  try {
    co_await server_.handler_.handle(exchange_);
  } catch (...) {
    failed = true;
  }
  if (failed && exchange_.tasks().live() > 0) {
    exchange_.abandon(ErrorCode::internal);
    co_await exchange_.tasks().join();
  }
  exchange_.settle(failed);
  server_.handler_.completed(exchange_);
  bool more = exchange_.keep_alive() && !transport_.broken();
  if (more && !exchange_.request_complete()) {
    more = co_await exchange_.drop_request_body(
        scope_, after(server_.loop_.now(), server_.config().linger_timeout));
  }
  exchange_.finish();
  if (more && transport_.unsent() > server_.config().output_buffer_bytes) {
    // A client that pipelines without reading answers: no next request until it has read some.
    const Result<void> room =
        co_await transport_.drained(scope_, server_.config().output_buffer_bytes / 2);
    more = room.has_value();
  }
  co_return more;
}

// Closing at once could destroy the answer: bytes that we have not read make the kernel reset the
// connection (RFC 9112 9.6). So the end is announced, and what still comes is dropped for a while.
Task<void> H1Connection::linger(std::size_t bytes_max) {
  const Result<void> sent = co_await transport_.drained(scope_, 0);
  if (!sent) {
    co_return;
  }
  transport_.shutdown_write();
  const Instant until = after(server_.loop_.now(), server_.config().linger_timeout);
  std::size_t dropped = exchange_.drop_input();
  while (dropped <= bytes_max) {
    const Result<Slice> bytes = co_await transport_.read(scope_, until);
    if (!bytes || bytes->empty()) {
      break;
    }
    dropped += bytes->size();
  }
}

}  // namespace sk
