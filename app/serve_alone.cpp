// Stopping: on SIGTERM /healthz turns 503 so that whoever balances in front stops sending; the
// listener stays open while requests still come, at most half of stop_timeout. Then the backlog is
// swept a last time, the listener closes, and what was read is answered until stop_timeout is over.
#include "net/http/h1_server.h"
#include "net/http/limits.h"
#include "net/io/acceptor.h"
#include "net/io/listener.h"
#include "net/io/socket_transport.h"
#include "net/io/task_group.h"

#include "app/process.h"
#include "app/serve.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace sk::app {
namespace {

constexpr auto kWriteStallTimeout = std::chrono::seconds(30);
constexpr auto kQuietBeforeClosing = std::chrono::milliseconds(250);
constexpr auto kQuietCheck = std::chrono::milliseconds(50);

class Server {
 public:
  Server(Process& process, Listener listener, const Config& config)
      : process_(process),
        loop_(process.loop()),
        config_(config),
        listener_(std::move(listener)),
        h1_(loop_, process.engine().runtime(), h1_config_),
        acceptor_(loop_, listener_.fd(), [this](int fd) { adopt(fd); }),
        scope_(loop_),
        connections_(loop_) {
    // Bodies that a handler wants whole are bounded by the runtime; streams, by their handler.
    h1_config_.limits.body_bytes = kNoBodyLimit;
    h1_config_.idle_timeout = std::chrono::ceil<std::chrono::milliseconds>(config_.idle_timeout);
  }

  Task<void> run() {
    process_.on_impatience([this] { h1_.abort(); });
    acceptor_.start();
    static_cast<void>(co_await process_.stop_wanted().wait_uninterruptible());
    const Instant end = after(loop_.now(), config_.stop_timeout);
    process_.log().event(LogLevel::info, "stopping",
                         {{"connections", h1_.connections()}, {"busy", h1_.busy()}});
    process_.engine().runtime().set_stopping();
    co_await wait_until_quiet(after(loop_.now(), config_.stop_timeout / 2));
    co_await acceptor_.stop();
    listener_.close();
    h1_.drain();
    TaskGroup watchdog(loop_);
    CancelScope watchdog_scope(loop_);
    watchdog.spawn(abort_at(watchdog_scope, end));
    co_await connections_.join();
    watchdog_scope.cancel();
    co_await watchdog.join();
    process_.log().event(LogLevel::info, "stopped");
  }

 private:
  void adopt(int fd) {
    auto transport = std::make_unique<SocketTransport>(loop_, fd, kWriteStallTimeout);
    connections_.spawn(serve(std::move(transport), PeerName(Address::peer_of(fd))));
    if (h1_.connections() >= config_.connections_max) {
      acceptor_.pause();
    }
  }

  Task<void> serve(std::unique_ptr<SocketTransport> transport, PeerName peer) {
    co_await h1_.serve(std::move(transport), peer, false);
    if (acceptor_.paused() && h1_.connections() < config_.connections_max) {
      acceptor_.resume();
    }
  }

  Task<void> wait_until_quiet(Instant at_most) {
    const auto requests = [this] { return process_.engine().runtime().counters().requests; };
    std::uint64_t seen = requests();
    Instant quiet_since = loop_.now();
    while (loop_.now() < at_most && loop_.now() - quiet_since < kQuietBeforeClosing) {
      Sleep pause(scope_, after(loop_.now(), kQuietCheck));
      static_cast<void>(co_await pause);
      if (requests() != seen) {
        seen = requests();
        quiet_since = loop_.now();
      }
    }
  }

  Task<void> abort_at(CancelScope& scope, Instant end) {
    Sleep pause(scope, end);
    const Result<void> slept = co_await pause;
    if (slept) {
      process_.log().event(LogLevel::warn, "stop_timeout is over: requests are cut short",
                           {{"busy", h1_.busy()}});
      h1_.abort();
    }
  }

  Process& process_;
  Loop& loop_;
  const Config& config_;
  Listener listener_;
  H1ServerConfig h1_config_;
  H1Server h1_;
  Acceptor acceptor_;
  CancelScope scope_;
  TaskGroup connections_;
};

}  // namespace

int serve_alone(const Routes& routes, const Config& config, const Identity& identity) {
  prepare_signals();
  const auto refuse = [&](const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", identity.name.c_str(), why.c_str());
    return 1;
  };
  // Addresses are numeric; this one name has one meaning everywhere.
  constexpr std::string_view kLocalhost = "localhost:";
  const std::string listen = config.listen.starts_with(kLocalhost)
                                 ? "127.0.0.1:" + config.listen.substr(kLocalhost.size())
                                 : config.listen;
  const Result<Address> address = Address::parse(listen);
  if (!address) {
    return refuse("listen = \"" + config.listen + "\": expected " + address.error().detail +
                  "; names of hosts are not looked up here");
  }
  Result<Listener> listener = Listener::open(*address);
  if (!listener) {
    return refuse(explain_listen_failure(*address, listener.error()));
  }
  Process process(routes, config, identity, Role::alone);
  if (!process.ok()) {
    return 1;
  }
  process.log().event(LogLevel::info, "listening",
                      {{"address", listener->local().to_string()}, {"version", identity.version}});
  Server server(process, std::move(*listener), config);
  return process.run(server.run());
}

}  // namespace sk::app
