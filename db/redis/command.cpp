#include "db/redis/command.h"

#include "net/io/loop.h"

#include "db/redis/client.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sk::redis {
namespace {

// What changes the meaning of the replies that others wait for, or holds them up.
constexpr std::array<std::string_view, 33> kForbidden = {
    "ASKING",       "AUTH",      "BLMOVE",       "BLMPOP",    "BLPOP",       "BRPOP",
    "BRPOPLPUSH",   "BZMPOP",    "BZPOPMAX",     "BZPOPMIN",  "CLIENT",      "DISCARD",
    "EXEC",         "HELLO",     "MONITOR",      "MULTI",     "PSUBSCRIBE",  "PSYNC",
    "PUNSUBSCRIBE", "QUIT",      "READONLY",     "READWRITE", "RESET",       "SELECT",
    "SSUBSCRIBE",   "SUBSCRIBE", "SUNSUBSCRIBE", "SYNC",      "UNSUBSCRIBE", "UNWATCH",
    "WAIT",         "WAITAOF",   "WATCH"};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }

bool same_word(std::string_view text, std::string_view upper_case) {
  return std::ranges::equal(text, upper_case, {}, upper);
}

bool may_be_shared(std::span<const std::string_view> arguments) {
  if (arguments.empty()) {
    return false;
  }
  const std::string_view name = arguments.front();
  if (std::ranges::any_of(kForbidden, [name](auto word) { return same_word(name, word); })) {
    return false;
  }
  const bool may_block = same_word(name, "XREAD") || same_word(name, "XREADGROUP");
  return !may_block || std::ranges::none_of(arguments, [](std::string_view argument) {
    return same_word(argument, "BLOCK");
  });
}

Error interruption(ErrorCode reason) {
  switch (reason) {
    case ErrorCode::timeout:
      return make_error(ErrorKind::timeout, "no reply within the command timeout");
    case ErrorCode::deadline:
      return make_error(ErrorKind::timeout, "no reply before the deadline");
    default:
      return make_error(ErrorKind::cancelled, "the waiting request was cancelled");
  }
}

std::unexpected<Error> unexpected_reply(const char* wanted) {
  return std::unexpected(
      make_error(ErrorKind::unexpected, std::string("the reply is not ") + wanted));
}

}  // namespace

EncodedCommand::EncodedCommand(std::span<const std::string_view> arguments)
    : allowed_(may_be_shared(arguments)) {
  std::size_t size = 16;
  for (const std::string_view argument : arguments) {
    size += argument.size() + 16;
  }
  bytes_.reserve(size);
  bytes_.append("*").append(std::to_string(arguments.size())).append("\r\n");
  for (const std::string_view argument : arguments) {
    bytes_.append("$").append(std::to_string(argument.size())).append("\r\n");
    bytes_.append(argument).append("\r\n");
  }
}

Command::Command(Client& client, CancelScope& scope, EncodedCommand encoded)
    : Wait(scope.loop(), resume_waiter, on_interrupt),
      client_(client),
      scope_(&scope),
      encoded_(std::move(encoded)) {}

bool Command::await_suspend(std::coroutine_handle<> waiter) {
  if (!arm(scope_, after(loop_.now(), client_.timeout()))) {
    outcome_ = std::unexpected(interruption(reason()));
    return false;
  }
  waiter_ = waiter;
  clock_ = scope_->stage_clock();
  if (clock_ != nullptr) {
    clock_->enter(Stage::redis, loop_.read_clock());
  }
  client_.submit(*this);
  return true;
}

void Command::leave_stage() {
  if (StageClock* clock = std::exchange(clock_, nullptr)) {
    clock->leave(Stage::redis, loop_.now());
  }
}

void Command::finish(Reply reply) {
  leave_stage();
  outcome_ = std::move(reply);
  disarm();
  loop_.make_ready(*this);
}

void Command::fail(Error error) {
  leave_stage();
  outcome_ = std::unexpected(std::move(error));
  disarm();
  loop_.make_ready(*this);
}

void Command::on_interrupt(Wait& wait) {
  auto& self = static_cast<Command&>(wait);
  Error error = interruption(self.reason());
  error.maybe_executed = self.ticket != 0;
  self.client_.withdraw(self);
  self.fail(std::move(error));
}

Result<Reply> read_reply(Reply reply) { return reply; }

Result<std::optional<std::string>> read_optional_text(Reply reply) {
  const ReplyView view = reply.view();
  if (view.is_nil()) {
    return std::nullopt;
  }
  if (view.type() != ReplyType::text) {
    return unexpected_reply("a string");
  }
  return std::string(view.text());
}

Result<std::int64_t> read_integer(Reply reply) {
  if (reply.view().type() != ReplyType::integer) {
    return unexpected_reply("an integer");
  }
  return reply.view().integer();
}

Result<bool> read_stored(Reply reply) {
  const ReplyView view = reply.view();
  if (view.is_nil()) {
    return false;
  }
  if (view.text() != "OK") {
    return unexpected_reply("OK");
  }
  return true;
}

}  // namespace sk::redis
