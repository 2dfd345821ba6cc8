// Command is one Redis command on its way: what `co_await client.get(...)` waits in.
//
// It lives in the frame of the waiting coroutine and is in the client's care from the await until
// the reply, or until its time is up. Never copied or moved; awaited once.
#pragma once

#include "net/io/wait.h"

#include "db/redis/error.h"
#include "db/redis/reply.h"

#include <coroutine>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sk::redis {

class Client;

// A command in the form in which it is sent: RESP, an array of bulk strings.
class EncodedCommand {
 public:
  EncodedCommand(std::initializer_list<std::string_view> arguments)
      : EncodedCommand(std::span(arguments.begin(), arguments.size())) {}
  explicit EncodedCommand(std::span<const std::string_view> arguments);

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  // False for commands that would change what a shared connection's replies mean.
  [[nodiscard]] bool allowed() const { return allowed_; }

 private:
  std::string bytes_;
  bool allowed_;
};

class Command : public Wait {
 public:
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiter);

  // --- for the client ---
  [[nodiscard]] const EncodedCommand& encoded() const { return encoded_; }
  void finish(Reply reply);
  void fail(Error error);

  std::uint64_t ticket = 0;  // its place in the order of replies; 0: not sent

 protected:
  Command(Client& client, CancelScope& scope, EncodedCommand encoded);
  ~Command() = default;
  [[nodiscard]] Result<Reply>& outcome() { return outcome_; }

 private:
  static void on_interrupt(Wait& wait);
  void leave_stage();

  Client& client_;
  CancelScope* scope_;
  EncodedCommand encoded_;
  Result<Reply> outcome_;
  StageClock* clock_ = nullptr;  // while the wait counts in its stage: the request's
};

// What a call promises, taken out of the reply; `unexpected` where it is something else.
[[nodiscard]] Result<Reply> read_reply(Reply reply);
[[nodiscard]] Result<std::optional<std::string>> read_optional_text(Reply reply);
[[nodiscard]] Result<std::int64_t> read_integer(Reply reply);
[[nodiscard]] Result<bool> read_stored(Reply reply);  // OK is true, nil is false

template <auto Read>
class TypedCommand final : public Command {
 public:
  TypedCommand(Client& client, CancelScope& scope, EncodedCommand encoded)
      : Command(client, scope, std::move(encoded)) {}

  auto await_resume() -> decltype(Read(Reply())) {
    if (!outcome()) {
      return std::unexpected(std::move(outcome().error()));
    }
    return Read(std::move(*outcome()));
  }
};

}  // namespace sk::redis
