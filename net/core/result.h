// Expected trouble is a value: Result<T> is either a T or an Error.
//
// An Error says what happened (code), on whose side (origin), and keeps the errno if the kernel
// gave one. It owns nothing and is cheap to copy. How an Error becomes an HTTP status and a log
// reason is decided in one table only: net/http/error_status.h.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sk {

enum class ErrorCode : std::uint8_t {
  cancelled,       // the scope was cancelled by its owner
  timeout,         // an operation's own timeout passed
  deadline,        // the request's deadline passed
  closed,          // the peer closed cleanly where more was expected
  reset,           // the peer or the network broke the connection, or reset the stream
  refused,         // connection refused, or a worker refused the stream before starting it
  unreachable,     // no route, no such host, no such socket
  overloaded,      // a bound was reached: queue, pool, slots, buffers
  too_large,       // a size limit was exceeded
  malformed,       // the peer broke the protocol
  unsupported,     // well-formed, but not something we do
  unavailable,     // nothing healthy to serve it: no worker, database away
  permission,      // EACCES, EPERM, authentication failed
  address_in_use,  // EADDRINUSE
  not_found,
  conflict,
  internal,
};

// Whose fault or whose side it happened on.
enum class ErrorOrigin : std::uint8_t { internal, downstream, upstream, config };

struct Error {
  ErrorCode code = ErrorCode::internal;
  ErrorOrigin origin = ErrorOrigin::internal;
  int sys_errno = 0;        // 0 where the kernel was not the one to say no
  const char* detail = "";  // static text: which step or rule; never from the wire

  friend bool operator==(const Error& a, const Error& b) { return a.code == b.code; }
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, const char* detail = "",
                                                 ErrorOrigin origin = ErrorOrigin::internal,
                                                 int sys_errno = 0) {
  return std::unexpected(Error{code, origin, sys_errno, detail});
}

[[nodiscard]] inline std::unexpected<Error> fail(const Error& error) {
  return std::unexpected(error);
}

// Maps an errno (positive) to an Error; detail names the step, such as "connect".
[[nodiscard]] Error error_from_errno(int sys_errno, const char* detail,
                                     ErrorOrigin origin = ErrorOrigin::internal);

// snake_case name of the code, as used in logs and metric labels. Static text.
[[nodiscard]] std::string_view to_string(ErrorCode code);
[[nodiscard]] std::string_view to_string(ErrorOrigin origin);

// "connect: refused (ECONNREFUSED)": for start-up messages and error lines, not for the hot path.
[[nodiscard]] std::string describe(const Error& error);

}  // namespace sk
