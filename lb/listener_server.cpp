#include "lb/listener_server.h"

#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/tls/session.h"

#include <algorithm>
#include <utility>

namespace sk::lb {
namespace {

constexpr Duration kLookAgain = 100ms;

std::chrono::milliseconds ms(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

H1ServerConfig server_config(const ListenerConfig& listener, const Sizing& sizing) {
  const LimitsConfig& limits = listener.limits;
  H1ServerConfig config;
  config.limits = limits.h1;
  config.limits.body_bytes = kNoBodyLimit;  // the route knows its own: see Proxy
  config.requests_per_connection = limits.requests_per_connection;
  config.output_buffer_bytes =
      static_cast<std::uint32_t>(std::min(limits.output_buffer_bytes, sizing.output_buffer_bytes));
  config.body_min_rate_bytes_per_s = limits.body_min_bytes_per_s;
  config.header_timeout = ms(limits.header_timeout);
  config.body_idle_timeout = ms(limits.body_idle_timeout);
  config.idle_timeout = ms(limits.idle_timeout);
  return config;
}

std::unique_ptr<ListenerHandler> make_handler(Serving& serving, OpenListener& listener,
                                              ThreadContext& context, Proxy& proxy) {
  if (!listener.admin) {
    return std::make_unique<ListenerHandler>(context, proxy, serving.health, listener.config);
  }
  return std::make_unique<AdminHandler>(
      context, proxy, serving.health, listener.config,
      [](const void* source) { return static_cast<const Serving*>(source)->print_metrics(); },
      &serving);
}

}  // namespace

ListenerServer::ListenerServer(Serving& serving, OpenListener& listener, ThreadContext& context,
                               Proxy& proxy)
    : serving_(serving),
      listener_(listener),
      context_(context),
      handler_(make_handler(serving, listener, context, proxy)),
      server_config_(server_config(listener.config, serving.sizing)),
      server_(context.loop, *handler_, server_config_),
      admission_(context.loop),
      scope_(context.loop),
      connections_(context.loop),
      waiting_(context.loop),
      acceptor_(context.loop, listener.socket.fd(),
                [this](int fd) { listener_.balance.place(seat_, fd); }) {
  const std::lock_guard lock(serving.join_lock);
  seat_ = listener.balance.join(context.loop, [this](int fd) { adopt(fd); });
}

ListenerServer::~ListenerServer() = default;

void ListenerServer::start_accepting() { acceptor_.start(); }

Task<void> ListenerServer::stop_accepting() { co_await acceptor_.stop(); }

void ListenerServer::abort() {
  scope_.cancel();
  server_.abort();
}

Task<void> ListenerServer::join() {
  co_await connections_.join();
  scope_.cancel();
  co_await waiting_.join();
}

bool ListenerServer::full() const {
  return context_.state.connections.load(std::memory_order_relaxed) >=
         serving_.sizing.connections_max;
}

void ListenerServer::adopt(int fd) {
  context_.state.connections.fetch_add(1, std::memory_order_relaxed);
  context_.metrics.connections_opened.add();
  if (full() && !acceptor_.paused()) {
    acceptor_.pause();
    waiting_.spawn(wait_for_room());
  }
  connections_.spawn(serve(fd));
}

Task<void> ListenerServer::wait_for_room() {
  while (full()) {
    const Result<void> slept = co_await Sleep(scope_, context_.loop.now() + kLookAgain);
    if (!slept) {
      co_return;
    }
  }
  acceptor_.resume();
}

Task<void> ListenerServer::serve(int fd) {
  const PeerName peer{sk::Address::peer_of(fd)};
  auto socket = std::make_unique<SocketTransport>(context_.loop, fd,
                                                  listener_.config.limits.write_stall_timeout);
  std::unique_ptr<Transport> transport;
  if (listener_.tls) {
    transport = co_await handshake(std::move(socket), peer);
  } else {
    transport = std::move(socket);
  }
  if (transport != nullptr) {
    co_await server_.serve(std::move(transport), peer, listener_.tls != nullptr);
  }
  context_.state.connections.fetch_sub(1, std::memory_order_relaxed);
  context_.metrics.connections_closed.add();
  listener_.balance.ended(seat_);
}

Task<std::unique_ptr<Transport>> ListenerServer::handshake(std::unique_ptr<SocketTransport> socket,
                                                           const PeerName& peer) {
  auto tls = std::make_unique<TlsTransport>(listener_.tls, admission_, std::move(socket));
  tls->start();
  const Instant until = after(context_.loop.now(), listener_.config.limits.tls_handshake_timeout);
  const Result<void> done = co_await tls->handshake(scope_, until);
  if (done) {
    context_.metrics.handshakes_done.add();
    co_return std::move(tls);
  }
  context_.metrics.handshakes_failed.add();
  // Clients that look whether the port is open are no news; those that cannot agree with us are.
  if (done.error().code != ErrorCode::closed && done.error().code != ErrorCode::reset &&
      done.error().code != ErrorCode::cancelled) {
    context_.log.event(LogLevel::info, "TLS handshake failed",
                       {{"error", describe(done.error())}, {"remoteAddress", peer.ip()}});
  }
  co_await tls->close();
  co_return nullptr;
}

}  // namespace sk::lb
