// What can go wrong between a handler and Redis. A cache that fails must not fail the request: the
// usual answer to any of these is to go on without it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sk::redis {

enum class ErrorKind : std::uint8_t {
  unavailable,  // no connection now, or it was lost before the answer came
  overloaded,   // the bound on commands in flight was reached
  timeout,      // the command's time or the request's deadline passed
  cancelled,    // the scope was cancelled
  unsupported,  // a command that a shared connection must not run
  rejected,     // Redis answered with an error; message begins with its code (WRONGTYPE, ERR, ...)
  unexpected,   // the reply has another type than the call promised
};

struct Error {
  ErrorKind kind = ErrorKind::unavailable;
  bool maybe_executed = false;  // the command left this process and no answer came
  std::string message;          // one line, for logs
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] std::string_view to_string(ErrorKind kind);
[[nodiscard]] std::string describe(const Error& error);
[[nodiscard]] Error make_error(ErrorKind kind, std::string_view message);

}  // namespace sk::redis
