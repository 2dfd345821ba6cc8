#include "lb/connection_pool.h"

#include "net/core/assert.h"
#include "net/io/connector.h"
#include "net/io/loop.h"
#include "net/io/socket_transport.h"

#include <utility>

namespace sk::lb {
namespace {

// An endpoint that takes nothing of a request for this long is broken.
constexpr Duration kWriteStall = 30s;

// What Host says in a request that brought none (HTTP/1.0).
std::string authority_of(const ConfigAddress& address) {
  return address.kind == ConfigAddress::Kind::unix_path
             ? "localhost"
             : to_string(address).substr(address.kind == ConfigAddress::Kind::dns ? 6 : 0);
}

}  // namespace

ConnectionPool::ConnectionPool(Loop& loop, Resolver& resolver, ThreadMetrics& metrics,
                               const UpstreamConfig& config, ConfigAddress address)
    : loop_(loop),
      resolver_(resolver),
      metrics_(metrics),
      config_(config),
      address_(std::move(address)),
      authority_(authority_of(address_)),
      scope_(loop),
      closing_scope_(loop),
      changed_(loop),
      tasks_(loop) {
  if (address_.kind != ConfigAddress::Kind::dns) {
    const Result<Address> parsed = Address::parse(to_string(address_));
    SK_ASSERT(parsed.has_value());  // config_address.h accepts nothing else
    numeric_ = *parsed;
  }
  tasks_.spawn(sweep());
}

ConnectionPool::~ConnectionPool() { SK_ASSERT(idle_.empty()); }

UpstreamStreamPtr ConnectionPool::try_open() {
  while (!idle_.empty()) {
    std::unique_ptr<H1ClientConnection> connection = std::move(idle_.back().connection);
    idle_.pop_back();
    if (connection->reusable()) {
      metrics_.upstream_reused.add();
      ++streams_;
      return connection.release()->open_stream();
    }
    retire(std::move(connection));
  }
  return nullptr;
}

Task<Result<int>> ConnectionPool::connect(CancelScope& scope, Instant until) {
  if (numeric_) {
    co_return co_await connect_to(scope, *numeric_, until);
  }
  Result<std::vector<Address>> found =
      co_await resolver_.resolve(scope, address_.host, address_.port, until);
  if (!found) {
    co_return fail(found.error());
  }
  Result<int> connected = fail(ErrorCode::unreachable, "resolve", ErrorOrigin::upstream);
  for (const Address& candidate : *found) {
    connected = co_await connect_to(scope, candidate, until);
    if (connected || scope.cancelled()) {
      break;
    }
  }
  co_return connected;
}

Task<Result<UpstreamStreamPtr>> ConnectionPool::open(CancelScope& scope, Instant until) {
  if (closing_) {
    co_return fail(ErrorCode::unavailable, "pool is closing", ErrorOrigin::upstream);
  }
  ++streams_;  // keeps close() waiting while a connection is being made
  const Result<int> fd = co_await connect(scope, until);
  if (!fd) {
    if (--streams_ == 0) {
      changed_.set();
    }
    co_return fail(fd.error());
  }
  metrics_.upstream_opened.add();
  auto connection = std::make_unique<H1ClientConnection>(
      std::make_unique<SocketTransport>(loop_, *fd, kWriteStall), client_config_, authority_,
      static_cast<H1ClientOwner&>(*this));
  co_return connection.release()->open_stream();
}

void ConnectionPool::stream_released(H1ClientConnection& released) {
  std::unique_ptr<H1ClientConnection> connection(&released);
  --streams_;
  if (closing_ || idle_.size() >= config_.idle_connections || !connection->reusable()) {
    retire(std::move(connection));
  } else {
    idle_.push_back({std::move(connection), loop_.now()});
  }
  if (changed_.has_waiter()) {
    changed_.set();
  }
}

void ConnectionPool::retire(std::unique_ptr<H1ClientConnection> connection) {
  tasks_.spawn(close_one(std::move(connection)));
}

Task<void> ConnectionPool::close_one(std::unique_ptr<H1ClientConnection> connection) {
  // Not in the call that released the stream: the connection is still on the stack there.
  const Result<void> ignored = co_await Sleep(closing_scope_, loop_.now());
  static_cast<void>(ignored);
  co_await connection->close();
}

void ConnectionPool::forget_idle() {
  while (!idle_.empty()) {
    retire(std::move(idle_.front().connection));
    idle_.pop_front();
  }
}

Task<void> ConnectionPool::sweep() {
  while (!closing_) {
    if (idle_.empty()) {
      const Result<void> waited = co_await changed_.wait(scope_);
      if (!waited) {
        co_return;
      }
      continue;
    }
    const Instant oldest_ends = idle_.front().since + config_.idle_timeout;
    if (oldest_ends > loop_.now()) {
      const Result<void> slept = co_await Sleep(scope_, oldest_ends);
      if (!slept) {
        co_return;
      }
      continue;
    }
    retire(std::move(idle_.front().connection));
    idle_.pop_front();
  }
}

Task<void> ConnectionPool::close() {
  closing_ = true;
  scope_.cancel();
  while (streams_ > 0) {
    const Result<void> ignored = co_await changed_.wait_uninterruptible();
    static_cast<void>(ignored);
  }
  forget_idle();
  co_await tasks_.join();
}

}  // namespace sk::lb
