#include "db/redis/connection.h"

#include "net/io/operation.h"

#include "db/redis/client.h"
#include "db/redis/login.h"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sk::redis {
namespace {

// 1.1.0 gave two options the same bit.
static_assert((REDIS_OPT_NOAUTOFREE & REDIS_OPT_PREFER_IPV4) == 0);

// Beside the commands of handlers there may be one of ask().
constexpr std::size_t kGreetings = 1;

Error lost(const std::string& reason) {
  return make_error(ErrorKind::unavailable, "the connection was lost before the reply: " + reason);
}

}  // namespace

Connection::Connection(Loop& loop, const Config& config, Counters& counters)
    : TimerNode(look_at_silence),
      ReadyNode(turn_ended),
      loop_(loop),
      config_(config),
      counters_(counters),
      slots_(config.in_flight_max + kGreetings) {}

Connection::~Connection() {
  SK_ASSERT(poll_ == nullptr);
  SK_ASSERT(count_ == 0);
  loop_.timers().disarm(*this);
  if (native_ != nullptr) {
    redisAsyncFree(std::exchange(native_, nullptr));  // closes the socket, frees the TLS session
  }
  if (tls_ != nullptr) {
    SSL_free(tls_);
  }
  if (watch_fd_ >= 0) {
    loop_.close(watch_fd_);
  }
}

bool Connection::adopt(int fd, TlsSession tls) {
  const auto refuse = [this](std::string reason) {
    broken_ = true;
    reason_ = std::move(reason);
    return false;
  };
  watch_fd_ = fd;
  redisOptions options{};
  options.type = REDIS_CONN_USERFD;
  options.endpoint.fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  options.options = REDIS_OPT_NOAUTOFREE | REDIS_OPT_NOAUTOFREEREPLIES;
  if (options.endpoint.fd < 0) {
    return refuse("no descriptor left for the connection: raise the limit");
  }
  native_ = redisAsyncConnectWithOptions(&options);
  if (native_ == nullptr) {
    ::close(options.endpoint.fd);
    return refuse("hiredis is out of memory");
  }
  if (native_->err != 0) {
    return refuse(native_->errstr);
  }
  // The socket is connected; hiredis would find out by connecting again to an address it lacks.
  native_->c.flags |= REDIS_CONNECTED;
  native_->c.reader->maxelements = static_cast<long long>(config_.reply_elements_max);
  native_->data = this;
  native_->ev.data = this;
  native_->ev.addWrite = [](void* self) { static_cast<Connection*>(self)->want_write(true); };
  native_->ev.delWrite = [](void* self) { static_cast<Connection*>(self)->want_write(false); };
  native_->ev.cleanup = [](void* self) { static_cast<Connection*>(self)->hung_up_ = true; };
  if (tls != nullptr) {
    // hiredis drives the handshake with its first reads and writes. It frees the session with the
    // context if it takes it; where it does not, the context is useless (hiredis 1.2 leaves it
    // half made) and goes at once.
    SSL_up_ref(tls.get());
    tls_ = tls.get();
    if (redisInitiateSSL(&native_->c, tls.get()) != REDIS_OK) {
      const std::string trouble = tls_trouble(*tls_);
      return refuse(trouble.empty() ? native_->c.errstr : trouble);
    }
    static_cast<void>(tls.release());
  }
  return true;
}

// --- sending ---

bool Connection::has_room(std::size_t bytes) const {
  return !broken_ && count_ < config_.in_flight_max &&
         (bytes_ == 0 || bytes_ + bytes <= config_.request_bytes_max);
}

bool Connection::enqueue(std::string_view bytes, Slot slot) {
  SK_ASSERT(count_ < slots_.size());
  const auto reply_came = [](redisAsyncContext* native, void* reply, void*) {
    static_cast<Connection*>(native->data)->take_reply(reply);
  };
  if (redisAsyncFormattedCommand(native_, reply_came, nullptr, bytes.data(), bytes.size()) !=
      REDIS_OK) {
    break_off(native_->errstr != nullptr && native_->err != 0 ? native_->errstr
                                                              : "hiredis refuses commands");
    return false;
  }
  slot.bytes = bytes.size();
  bytes_ += bytes.size();
  slots_[(first_ticket_ + count_) % slots_.size()] = slot;
  if (++count_ == 1) {
    progress_ = loop_.now();
    watch_silence();
  }
  return true;
}

void Connection::send(Command& command) {
  const std::uint64_t ticket = first_ticket_ + count_;
  if (!enqueue(command.encoded().bytes(), Slot{.command = &command})) {
    command.fail(make_error(ErrorKind::unavailable, reason_));
    return;
  }
  command.ticket = ticket;
  ++counters_.sent;
}

void Connection::withdraw(Command& command) {
  Slot& slot = slots_[command.ticket % slots_.size()];
  SK_ASSERT(slot.command == &command);
  slot.command = nullptr;
  ++counters_.abandoned;
}

// --- receiving; called by hiredis ---

void Connection::take_reply(void* native) {
  Reply reply(native);
  if (broken_ || count_ == 0 || native == nullptr) {
    return;  // the context is being torn down: fail_all() tells the waiters
  }
  Slot slot = std::exchange(slots_[first_ticket_ % slots_.size()], Slot{});
  ++first_ticket_;
  --count_;
  bytes_ -= slot.bytes;
  progress_ = loop_.now();
  deliver(slot, std::move(reply));
  if (count_ == 0) {
    refuse_uninvited();
  }
}

void Connection::deliver(Slot& slot, Reply reply) {
  if (slot.greeting != nullptr) {
    slot.greeting->reply = std::move(reply);
    slot.greeting->done.set();
    return;
  }
  const bool failed = reply.view().type() == ReplyType::error;
  failed ? ++counters_.failed : ++counters_.answered;
  const std::string message(failed ? reply.view().text() : std::string_view());
  const bool wrong_server = failed && means_wrong_server(message);
  if (slot.command != nullptr) {
    Command& command = *slot.command;
    command.ticket = 0;
    if (failed) {
      command.fail(
          make_error(wrong_server ? ErrorKind::unavailable : ErrorKind::rejected, message));
    } else {
      command.finish(std::move(reply));
    }
  }
  if (wrong_server) {
    break_off(message);
  }
}

// hiredis asserts that a reply nobody asked for is an error, and would end the process over a
// confused peer. What follows the last reply we wait for may only be a push or an error.
void Connection::refuse_uninvited() {
  redisReader& reader = *native_->c.reader;
  if (reader.pos < reader.len && reader.buf[reader.pos] != '>' && reader.buf[reader.pos] != '-') {
    reader.len = reader.pos;
    break_off("the server sent a reply that nobody asked for");
  }
}

// --- the loop ---

void Connection::want_write(bool write) {
  if (wants_write_ == write) {
    return;
  }
  wants_write_ = write;
  if (write) {
    loop_.at_turn_end(*this);
  }
}

void Connection::turn_ended(ReadyNode& node) {
  auto& self = static_cast<Connection&>(node);
  if (self.broken_ || !self.wants_write_) {
    return;
  }
  self.handle_write();
  if (self.poll_ != nullptr && self.wants_write_) {
    self.poll_->stop(ErrorCode::cancelled);  // serve() polls again, for writing as well
  }
}

void Connection::handle_write() {
  redisAsyncHandleWrite(native_);
  check_health();
}

void Connection::handle_read() {
  if (count_ == 0) {
    char first = 0;
    const ssize_t got = tls_ != nullptr ? SSL_peek(tls_, &first, 1)
                                        : ::recv(watch_fd_, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 1 && first != '>' && first != '-') {
      break_off("the server sent a reply that nobody asked for");
      return;
    }
  }
  redisAsyncHandleRead(native_);
  // A record that OpenSSL has decrypted makes no descriptor readable.
  while (tls_ != nullptr && !hung_up_ && !broken_ && SSL_pending(tls_) > 0) {
    redisAsyncHandleRead(native_);
  }
  if (!broken_ && !hung_up_ && native_->c.reader->len > config_.reply_bytes_max) {
    break_off("a reply is larger than reply_bytes_max");
  }
  check_health();
}

void Connection::check_health() {
  if (!hung_up_ || broken_) {
    return;
  }
  std::string reason = native_->errstr != nullptr ? native_->errstr : "";
  if (tls_ != nullptr) {
    if (const std::string trouble = tls_trouble(*tls_); !trouble.empty()) {
      reason = trouble;
    }
  }
  break_off(reason.empty() ? "the server closed the connection" : reason);
}

Task<void> Connection::serve(CancelScope& scope) {
  while (!broken_) {
    const short mask = wants_write_ ? POLLIN | POLLOUT : POLLIN;
    Poll poll(scope, watch_fd_, mask);
    poll_ = &poll;
    const sk::Result<short> ready = co_await poll;
    poll_ = nullptr;
    if (broken_) {
      break;
    }
    if (!ready) {
      if (scope.cancelled()) {
        break_off("the client was closed");
      } else if (ready.error().code != ErrorCode::cancelled) {
        break_off("poll: " + sk::describe(ready.error()));
      }
      continue;
    }
    if ((*ready & ~POLLOUT) != 0) {
      handle_read();
    }
    if (!broken_ && (*ready & POLLOUT) != 0 && wants_write_) {
      handle_write();
    }
  }
  fail_all();
}

void Connection::break_off(std::string_view reason) {
  if (broken_) {
    return;
  }
  broken_ = true;
  reason_ = reason;
  if (poll_ != nullptr) {
    poll_->stop(ErrorCode::cancelled);
  }
}

void Connection::fail_all() {
  for (; count_ > 0; --count_, ++first_ticket_) {
    Slot slot = std::exchange(slots_[first_ticket_ % slots_.size()], Slot{});
    if (slot.greeting != nullptr) {
      slot.greeting->lost = true;
      slot.greeting->done.set();
      continue;
    }
    ++counters_.failed;
    if (slot.command != nullptr) {
      Error error = lost(reason_);
      error.maybe_executed = true;
      slot.command->ticket = 0;
      slot.command->fail(std::move(error));
    }
  }
  bytes_ = 0;
}

// --- silence ---

void Connection::watch_silence() {
  if (!watching_) {
    watching_ = true;
    loop_.timers().arm(*this, after(loop_.now(), Duration(config_.silence_max) / 4));
  }
}

void Connection::look_at_silence(TimerNode& timer) {
  auto& self = static_cast<Connection&>(timer);
  self.watching_ = false;
  if (self.count_ == 0 || self.broken_) {
    return;
  }
  if (self.loop_.now() - self.progress_ >= Duration(self.config_.silence_max)) {
    self.break_off("the server has not answered for too long");
    return;
  }
  self.watch_silence();
}

// --- before handlers may send ---

Task<Result<Reply>> Connection::ask(CancelScope& scope, std::span<const std::string_view> arguments,
                                    Instant until) {
  const EncodedCommand encoded(arguments);
  Greeting greeting(loop_);
  const std::uint64_t ticket = first_ticket_ + count_;
  if (broken_ || !enqueue(encoded.bytes(), Slot{.greeting = &greeting})) {
    co_return std::unexpected(make_error(ErrorKind::unavailable, reason_));
  }
  const sk::Result<void> waited = co_await greeting.done.wait(scope, until);
  if (!waited) {
    slots_[ticket % slots_.size()].greeting = nullptr;
    co_return std::unexpected(
        make_error(ErrorKind::timeout, "no answer within the connect timeout"));
  }
  if (greeting.lost) {
    co_return std::unexpected(make_error(ErrorKind::unavailable, reason_));
  }
  co_return std::move(greeting.reply);
}

}  // namespace sk::redis
