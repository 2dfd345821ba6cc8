#include "bench/generator/client_pool.h"

#include "net/io/connector.h"
#include "net/io/loop.h"
#include "net/io/socket_transport.h"
#include "net/tls/session.h"

#include <utility>

namespace sk::bench {
namespace {

constexpr Duration kWriteStallTimeout = std::chrono::seconds(30);

Ending ending_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::timeout:
      return Ending::timed_out;
    case ErrorCode::malformed:
    case ErrorCode::too_large:
      return Ending::malformed;
    default:
      return Ending::broken;
  }
}

}  // namespace

ClientPool::ClientPool(Loop& loop, const Target& target, Address address,
                       std::shared_ptr<const TlsClientContext> tls, const PoolConfig& config)
    : loop_(loop),
      target_(target),
      address_(address),
      tls_(std::move(tls)),
      config_(config),
      handshakes_(loop),
      scope_(loop),
      tasks_(loop),
      reaper_(*this) {}

ClientPool::~ClientPool() { SK_ASSERT(live_ == 0 && doomed_.empty()); }

// ---- requests -----------------------------------------------------------------------------------

void ClientPool::submit(Job job) {
  if (!idle_.empty() && waiting_.empty()) {
    send_on(idle_.pop_front(), job);
    return;
  }
  const bool may_open = live_ + connecting_ < config_.connections_max;
  job.held_by_us = !may_open;
  waiting_.push_back(job);
  if (may_open && connecting_ < waiting_.size()) {
    open_one();
  }
}

void ClientPool::send_on(ClientConnection& connection, Job job) {
  Slot& slot = slots_[connection.slot];
  job.sent = loop_.read_clock();
  slot.job = job;
  const Prepared prepared = user_->prepare(job);
  ++in_flight_;
  connection.send(prepared.bytes, prepared.method, prepared.keep_body_bytes,
                  config_.request_timeout);
}

void ClientPool::give_work(ClientConnection& connection) {
  if (waiting_.empty()) {
    idle_.push_back(connection);
    return;
  }
  const Job job = waiting_.front();
  waiting_.pop_front();
  send_on(connection, job);
}

void ClientPool::answered(ClientConnection& connection, const Answer& answer) {
  --in_flight_;
  const Job job = slots_[connection.slot].job;
  if (!connection.reusable()) {
    discard(connection);
    user_->finished(job, Ending::answered, &answer, {});
    return;
  }
  if (waiting_.empty()) {
    idle_.push_back(connection);  // first, so that finished() may submit onto it
    user_->finished(job, Ending::answered, &answer, {});
    return;
  }
  user_->finished(job, Ending::answered, &answer, {});
  if (connection.reusable() && !closing_) {
    give_work(connection);
  }
}

void ClientPool::broken(ClientConnection& connection, const Error& error) {
  Job job = slots_[connection.slot].job;
  const bool lost = connection.busy();
  const bool stale = lost && connection.requests_before() > 0 && !connection.answer_begun() &&
                     (error.code == ErrorCode::closed || error.code == ErrorCode::reset) &&
                     !job.repeated;
  discard(connection);
  if (!lost) {
    return;
  }
  --in_flight_;
  if (stale && is_idempotent(user_->prepare(job).method)) {
    ++repeated_;
    job.repeated = true;
    submit(job);
    return;
  }
  user_->finished(job, ending_of(error), nullptr, error);
}

// ---- connections --------------------------------------------------------------------------------

void ClientPool::open_ahead(std::size_t count) {
  while (live_ + connecting_ < std::min(count, config_.connections_max)) {
    open_one();
  }
}

void ClientPool::open_one() {
  ++connecting_;
  tasks_.spawn(connect());
}

Task<void> ClientPool::connect() {
  std::expected<std::unique_ptr<Transport>, NoConnection> transport = co_await open_transport();
  --connecting_;
  if (closing_) {
    if (transport) {
      const std::unique_ptr<Transport> unwanted = std::move(*transport);
      co_await unwanted->close();
    }
    co_return;
  }
  if (transport) {
    ++opened_;
    adopt(std::move(*transport));
    co_return;
  }
  connect_error_ = transport.error().error;
  // One attempt, one request lost; and all of them where no connection is left to serve them.
  do {
    if (waiting_.empty()) {
      break;
    }
    const Job job = waiting_.front();
    waiting_.pop_front();
    user_->finished(job, transport.error().ending, nullptr, connect_error_);
  } while (live_ + connecting_ == 0);
}

Task<std::expected<std::unique_ptr<Transport>, ClientPool::NoConnection>>
ClientPool::open_transport() {
  const Instant until = after(loop_.now(), config_.connect_timeout);
  const Result<int> fd = co_await connect_to(scope_, address_, until);
  if (!fd) {
    co_return std::unexpected(NoConnection{Ending::unreachable, fd.error()});
  }
  auto socket = std::make_unique<SocketTransport>(loop_, *fd, kWriteStallTimeout);
  if (tls_ == nullptr) {
    co_return std::unique_ptr<Transport>(std::move(socket));
  }
  auto session = std::make_unique<TlsTransport>(tls_, handshakes_, std::move(socket), target_.host);
  session->start();
  const Result<void> agreed = co_await session->handshake(scope_, until);
  if (!agreed) {
    co_await session->close();
    co_return std::unexpected(NoConnection{Ending::handshake, agreed.error()});
  }
  co_return std::unique_ptr<Transport>(std::move(session));
}

void ClientPool::adopt(std::unique_ptr<Transport> transport) {
  if (free_slots_.empty()) {
    free_slots_.push_back(slots_.size());
    slots_.emplace_back();
  }
  const std::size_t index = free_slots_.back();
  free_slots_.pop_back();
  ClientConnection::Owner& owner = *this;
  auto made = std::make_unique<ClientConnection>(std::move(transport), limits_, owner);
  ClientConnection& connection = *made;
  connection.slot = index;
  slots_[index].connection = std::move(made);
  ++live_;
  connection.start();
  if (connection.reusable()) {  // it may have been closed already
    give_work(connection);
  }
}

void ClientPool::discard(ClientConnection& connection) {
  ListHook<IdleTag>& place = connection;
  place.unlink();
  const std::size_t index = connection.slot;
  SK_ASSERT(slots_[index].connection.get() == &connection);
  doomed_.push_back(std::move(slots_[index].connection));
  free_slots_.push_back(index);
  --live_;
  loop_.make_ready(reaper_);
  // Those that waited for this one need another.
  if (!closing_ && !waiting_.empty() && connecting_ < waiting_.size() &&
      live_ + connecting_ < config_.connections_max) {
    open_one();
  }
}

Task<void> ClientPool::close_one(std::unique_ptr<ClientConnection> connection) {
  co_await connection->close();
}

void ClientPool::reap() {
  std::vector<std::unique_ptr<ClientConnection>> doomed = std::exchange(doomed_, {});
  for (std::unique_ptr<ClientConnection>& connection : doomed) {
    tasks_.spawn(close_one(std::move(connection)));
  }
}

Task<void> ClientPool::close() {
  closing_ = true;
  waiting_.clear();
  scope_.cancel();
  for (Slot& slot : slots_) {
    if (slot.connection != nullptr) {
      discard(*slot.connection);
    }
  }
  reaper_.unlink();
  reap();
  in_flight_ = 0;
  co_await tasks_.join();
}

}  // namespace sk::bench
