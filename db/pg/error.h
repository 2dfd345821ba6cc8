// What can go wrong between a handler and PostgreSQL: pg::Error, and pg::Result<T> that carries it.
//
// A handler branches on the kind (and, for a violation, on the constraint); message and sqlstate
// are for logs. The kinds up to connection trouble mean that nobody is to blame but the moment:
// they deserve a 503 and a Retry-After.
#pragma once

#include "net/core/result.h"

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sk::pg {

enum class ErrorKind : std::uint8_t {
  unavailable,            // no connection now, or it was lost before the answer came
  overloaded,             // the bounded queue is full
  timeout,                // the deadline passed, or the server's statement_timeout
  cancelled,              // the scope was cancelled
  no_rows,                // one<T>() found nothing
  too_many_rows,          // one<T>() or opt<T>() found several
  type_mismatch,          // the columns do not fit the C++ type: a mistake in the program
  unsupported,            // a statement that shared connections must not run (see Client)
  unique_violation,       // 23505; constraint says which
  foreign_key_violation,  // 23503
  check_violation,        // 23514
  not_null_violation,     // 23502
  serialization_failure,  // 40001, 40P01: running it again may succeed
  rejected,               // anything else that the server refused; see sqlstate
};

struct Error {
  ErrorKind kind = ErrorKind::unavailable;
  // True where the statement may have taken effect although no answer came: it left this process
  // and the connection broke or the deadline passed. Do not repeat such an INSERT blindly.
  bool maybe_executed = false;
  std::array<char, 6> sqlstate_text{};  // five characters and a zero; empty unless the server spoke
  std::string constraint;               // its name, for violations
  std::string message;                  // one line, for logs; may quote data, so not for clients

  [[nodiscard]] std::string_view sqlstate() const { return sqlstate_text.data(); }
};

template <typename T>
using Result = std::expected<T, Error>;

// snake_case name, as used in logs and metric labels. Static text.
[[nodiscard]] std::string_view to_string(ErrorKind kind);

// "unique_violation 23505 (items_name_key): duplicate key value ...", for log lines.
[[nodiscard]] std::string describe(const Error& error);

[[nodiscard]] Error make_error(ErrorKind kind, std::string_view message);

// The kind of error that a server means by an SQLSTATE.
[[nodiscard]] ErrorKind kind_of_sqlstate(std::string_view sqlstate);

// The nearest sk::Error, for code that speaks only that language (net/http/error_status.h).
[[nodiscard]] sk::Error to_net_error(const Error& error);

}  // namespace sk::pg
