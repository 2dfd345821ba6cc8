#include "db/redis/client.h"

#include "net/io/backoff.h"
#include "net/io/connector.h"
#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/redis/connection.h"
#include "db/redis/login.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

namespace sk::redis {
namespace {

// hiredis and OpenSSL write to sockets without MSG_NOSIGNAL: a peer that went away would end us.
void survive_broken_pipes() {
  struct sigaction present{};
  if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

Error connect_error(const sk::Error& error, const std::string& step) {
  const bool late = error.code == ErrorCode::timeout || error.code == ErrorCode::deadline;
  return make_error(late ? ErrorKind::timeout : ErrorKind::unavailable,
                    step + ": " + sk::describe(error));
}

std::string place_of(const Address& address) {
  return address.socket_path.empty() ? address.host + ":" + std::to_string(address.port)
                                     : address.socket_path;
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::connecting:
      return "connecting";
    case State::ready:
      return "ready";
    case State::unreachable:
      return "unreachable";
    case State::password_refused:
      return "password_refused";
  }
  return "unknown";
}

// One coroutine (keep_connected) makes a connection, waits until it breaks, and makes the next; so
// there is never more than one. Commands are either in that connection's slots or finished.
struct Client::Inner {
  Inner(Loop& the_loop, Resolver& the_resolver, Config the_config, Address the_address,
        TlsContext the_tls)
      : loop(the_loop),
        resolver(the_resolver),
        config(std::move(the_config)),
        address(std::move(the_address)),
        tls(std::move(the_tls)),
        scope(loop),
        group(loop),
        backoff(config.backoff_min, config.backoff_max) {
    health.since = loop.now();
  }

  void submit(Command& command);
  Task<void> keep_connected();
  // Ends when the connection does; the error says why there was none, or why it ended.
  Task<Error> use_connection();
  Task<Result<int>> open_socket(Instant until);
  void set_state(State state, const std::string& reason);

  // Set once.
  Loop& loop;
  Resolver& resolver;
  const Config config;
  const Address address;
  const TlsContext tls;
  std::function<void(const Health&)> on_change;

  CancelScope scope;
  TaskGroup group;
  Backoff backoff;
  bool started = false;
  Connection* ready = nullptr;  // logged in and alive
  Health health;
  Counters counters;
};

void Client::Inner::submit(Command& command) {
  const EncodedCommand& encoded = command.encoded();
  if (!encoded.allowed()) {
    command.fail(make_error(ErrorKind::unsupported,
                            "the command would change or block a connection that others share"));
    return;
  }
  if (ready == nullptr || !ready->alive()) {
    command.fail(make_error(ErrorKind::unavailable, "Redis is away: " + health.reason));
    return;
  }
  if (!ready->has_room(encoded.bytes().size())) {
    ++counters.overloaded;
    command.fail(make_error(ErrorKind::overloaded, "too many commands wait for their replies"));
    return;
  }
  ready->send(command);
}

Task<Result<int>> Client::Inner::open_socket(Instant until) {
  std::vector<sk::Address> addresses;
  if (!address.socket_path.empty()) {
    sk::Result<sk::Address> local = sk::Address::parse("unix:" + address.socket_path);
    if (!local) {
      co_return std::unexpected(connect_error(local.error(), "the socket's path"));
    }
    addresses.push_back(*local);
  } else {
    auto found = co_await resolver.resolve(scope, address.host, address.port, until);
    if (!found) {
      co_return std::unexpected(connect_error(found.error(), "looking up the host"));
    }
    addresses = std::move(*found);
  }
  Error last;
  for (const sk::Address& each : addresses) {
    sk::Result<int> fd = co_await connect_to(scope, each, until);
    if (fd) {
      co_return *fd;
    }
    last = connect_error(fd.error(), each.to_string());
  }
  co_return std::unexpected(std::move(last));
}

Task<Error> Client::Inner::use_connection() {
  const Instant until = after(loop.now(), config.connect_timeout);
  Result<int> fd = co_await open_socket(until);
  if (!fd) {
    co_return std::move(fd.error());
  }
  TlsSession session;
  if (tls != nullptr) {
    session = make_tls_session(*tls, address.host);
    if (session == nullptr) {
      loop.close(*fd);
      co_return make_error(ErrorKind::unavailable, "OpenSSL cannot check this host name");
    }
  }
  Connection connection(loop, config, counters);
  if (!connection.adopt(*fd, std::move(session))) {
    co_return make_error(ErrorKind::unavailable, connection.reason());
  }
  TaskGroup serving(loop);
  serving.spawn(connection.serve(scope));
  Result<void> logged_in = co_await log_in(connection, scope, address, config.client_name, until);
  if (logged_in) {
    ++counters.connects;
    backoff.reset();
    health.has_answered = true;
    ready = &connection;
    set_state(State::ready, "");
  } else {
    connection.break_off(logged_in.error().message);
  }
  co_await serving.join();
  ready = nullptr;
  if (!logged_in) {
    co_return std::move(logged_in.error());
  }
  ++counters.lost;
  co_return make_error(ErrorKind::unavailable, connection.reason());
}

Task<void> Client::Inner::keep_connected() {
  while (!scope.cancelled()) {
    const std::uint64_t connects = counters.connects;
    const Error error = co_await use_connection();
    if (scope.cancelled()) {
      break;
    }
    const bool was_ready = counters.connects > connects;
    if (!was_ready) {
      ++counters.connect_failures;
    }
    set_state(error.kind == ErrorKind::rejected ? State::password_refused : State::unreachable,
              place_of(address) + ": " + error.message);
    // Also after a connection that worked: a server that breaks every one, or that sent us away
    // because it is not the right one, must not be asked in a busy loop.
    const sk::Result<void> ignored = co_await Sleep(scope, after(loop.now(), backoff.next(loop)));
    static_cast<void>(ignored);
  }
}

void Client::Inner::set_state(State state, const std::string& reason) {
  const bool news = health.state != state;
  health.reason = reason;
  if (!news) {
    return;
  }
  health.state = state;
  health.since = loop.now();
  if (on_change) {
    on_change(health);
  }
}

Result<std::unique_ptr<Client>> Client::create(Loop& loop, Resolver& resolver, Config config) {
  sk::Result<Address> address = parse_url(config.url);
  if (!address) {
    return std::unexpected(make_error(ErrorKind::rejected, address.error().detail));
  }
  TlsContext tls;
  if (address->tls) {
    Result<TlsContext> made = make_tls_context(config.tls_ca_file);
    if (!made) {
      return std::unexpected(std::move(made.error()));
    }
    tls = std::move(*made);
  }
  config.in_flight_max = std::max<std::size_t>(config.in_flight_max, 1);
  survive_broken_pipes();
  auto inner = std::make_unique<Inner>(loop, resolver, std::move(config), std::move(*address),
                                       std::move(tls));
  return std::unique_ptr<Client>(new Client(std::move(inner)));
}

Client::Client(std::unique_ptr<Inner> inner) : inner_(std::move(inner)) {}

Client::~Client() { SK_ASSERT(inner_->group.live() == 0); }

void Client::start(std::function<void(const Health&)> on_change) {
  SK_ASSERT(!inner_->started);
  inner_->started = true;
  inner_->on_change = std::move(on_change);
  inner_->group.spawn(inner_->keep_connected());
}

Task<void> Client::close() {
  inner_->scope.cancel();
  co_await inner_->group.join();
}

EncodedCommand Client::encode_set(std::string_view key, std::string_view value,
                                  std::chrono::milliseconds ttl, bool only_if_absent) {
  SK_ASSERT(ttl.count() >= 0);
  const std::string milliseconds = std::to_string(ttl.count());
  std::vector<std::string_view> arguments = {"SET", key, value};
  if (ttl != kNoTtl) {
    arguments.insert(arguments.end(), {"PX", milliseconds});
  }
  if (only_if_absent) {
    arguments.emplace_back("NX");
  }
  return EncodedCommand(arguments);
}

EncodedCommand Client::encode_eval(std::string_view script, std::span<const std::string_view> keys,
                                   std::span<const std::string_view> arguments) {
  const std::string count = std::to_string(keys.size());
  std::vector<std::string_view> all = {"EVAL", script, count};
  all.insert(all.end(), keys.begin(), keys.end());
  all.insert(all.end(), arguments.begin(), arguments.end());
  return EncodedCommand(all);
}

const Health& Client::health() const { return inner_->health; }
const Counters& Client::counters() const { return inner_->counters; }

std::size_t Client::in_flight() const {
  return inner_->ready == nullptr ? 0 : inner_->ready->in_flight();
}

void Client::submit(Command& command) { inner_->submit(command); }

void Client::withdraw(Command& command) {
  if (command.ticket != 0) {
    inner_->ready->withdraw(command);
  }
}

Duration Client::timeout() const { return inner_->config.command_timeout; }

}  // namespace sk::redis
