// Client: Redis for one loop, over one connection that all handlers share.
//
//   auto cached = co_await redis.get(scope, "item:7");          //
//   Result<std::optional<std::string>> auto stored = co_await redis.set(scope, "item:7", json,
//   60s);
//
// Pipelining is automatic: what a turn of the loop asked for leaves in one write, and replies are
// matched in order. A wait ends at the scope's deadline, at the latest after command_timeout; its
// place in the order stays until the reply has come, so no reply ever reaches another command.
// While Redis cannot be reached, commands fail at once with `unavailable`; one attempt at a time
// tries again with growing, jittered pauses and a fresh name lookup. READONLY, LOADING and
// MASTERDOWN mean the wrong server: the connection is closed and made anew.
//
// Because the connection is shared, commands that change what its replies mean are refused
// (`unsupported`): SUBSCRIBE and its relatives, MONITOR, MULTI, WATCH, SELECT, AUTH, HELLO, CLIENT,
// QUIT, RESET, and everything that blocks (BLPOP, XREAD BLOCK, WAIT, ...).
//
// Owned by one loop's thread. Call start() once, and await close() before it is destroyed.
#pragma once

#include "net/io/loop.h"
#include "net/io/task.h"

#include "db/redis/command.h"
#include "db/redis/config.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sk {
class Resolver;
}

namespace sk::redis {

enum class State : std::uint8_t {
  connecting,  // the first attempt has not ended yet
  ready,
  unreachable,       // the last attempt failed
  password_refused,  // the last attempt failed because of user or password
};

[[nodiscard]] std::string_view to_string(State state);

struct Health {
  State state = State::connecting;
  Instant since;              // of the current state
  bool has_answered = false;  // a connection was made at least once since start
  std::string reason;         // why the last attempt failed, one line; empty when ready
};

struct Counters {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;     // answered with an error
  std::uint64_t abandoned = 0;  // the waiter left before the answer came
  std::uint64_t overloaded = 0;
  std::uint64_t connects = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t lost = 0;  // connections that broke
};

class Client {
 public:
  // The resolver must outlive the client. Error: the URL is malformed, or the CA file unreadable.
  static Result<std::unique_ptr<Client>> create(Loop& loop, Resolver& resolver, Config config);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins to connect. on_change is called after every change of health().state, for one log
  // line.
  void start(std::function<void(const Health&)> on_change = {});
  // Fails what waits and closes the connection.
  Task<void> close();

  // Result<std::optional<std::string>>: nothing where the key does not exist.
  [[nodiscard]] auto get(CancelScope& scope, std::string_view key) {
    return TypedCommand<read_optional_text>(*this, scope, EncodedCommand({"GET", key}));
  }

  // ttl: at least 1 ms (asserted); kNoTtl keeps the key for ever. Result<bool>: always true.
  static constexpr std::chrono::milliseconds kNoTtl{0};
  [[nodiscard]] auto set(CancelScope& scope, std::string_view key, std::string_view value,
                         std::chrono::milliseconds ttl) {
    return TypedCommand<read_stored>(*this, scope, encode_set(key, value, ttl, false));
  }
  // The same where the key does not exist yet; false where it does.
  [[nodiscard]] auto set_if_absent(CancelScope& scope, std::string_view key, std::string_view value,
                                   std::chrono::milliseconds ttl) {
    return TypedCommand<read_stored>(*this, scope, encode_set(key, value, ttl, true));
  }

  // Result<std::int64_t>: how many keys were there (0 or 1).
  [[nodiscard]] auto del(CancelScope& scope, std::string_view key) {
    return TypedCommand<read_integer>(*this, scope, EncodedCommand({"DEL", key}));
  }

  // Result<std::int64_t>: the value afterwards.
  [[nodiscard]] auto incr(CancelScope& scope, std::string_view key) {
    return TypedCommand<read_integer>(*this, scope, EncodedCommand({"INCR", key}));
  }

  // A Lua script: atomic, and cached by Redis under its text. Result<Reply>.
  [[nodiscard]] auto eval(CancelScope& scope, std::string_view script,
                          std::span<const std::string_view> keys,
                          std::span<const std::string_view> arguments) {
    return TypedCommand<read_reply>(*this, scope, encode_eval(script, keys, arguments));
  }

  // Any command: {"HSET", key, field, value}. Result<Reply>.
  [[nodiscard]] auto command(CancelScope& scope, std::span<const std::string_view> arguments) {
    return TypedCommand<read_reply>(*this, scope, EncodedCommand(arguments));
  }
  [[nodiscard]] auto ping(CancelScope& scope) {
    return TypedCommand<read_reply>(*this, scope, EncodedCommand({"PING"}));
  }

  [[nodiscard]] const Health& health() const;
  [[nodiscard]] const Counters& counters() const;
  [[nodiscard]] std::size_t in_flight() const;

 private:
  friend class Command;
  struct Inner;  // the connection and everything that knows hiredis

  explicit Client(std::unique_ptr<Inner> inner);
  static EncodedCommand encode_set(std::string_view key, std::string_view value,
                                   std::chrono::milliseconds ttl, bool only_if_absent);
  static EncodedCommand encode_eval(std::string_view script, std::span<const std::string_view> keys,
                                    std::span<const std::string_view> arguments);

  void submit(Command& command);
  void withdraw(Command& command);
  [[nodiscard]] Duration timeout() const;

  std::unique_ptr<Inner> inner_;
};

}  // namespace sk::redis
