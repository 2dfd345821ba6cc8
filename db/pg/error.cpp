#include "db/pg/error.h"

#include <algorithm>

namespace sk::pg {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::overloaded:
      return "overloaded";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::no_rows:
      return "no_rows";
    case ErrorKind::too_many_rows:
      return "too_many_rows";
    case ErrorKind::type_mismatch:
      return "type_mismatch";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::unique_violation:
      return "unique_violation";
    case ErrorKind::foreign_key_violation:
      return "foreign_key_violation";
    case ErrorKind::check_violation:
      return "check_violation";
    case ErrorKind::not_null_violation:
      return "not_null_violation";
    case ErrorKind::serialization_failure:
      return "serialization_failure";
    case ErrorKind::rejected:
      return "rejected";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  std::string text(to_string(error.kind));
  if (!error.sqlstate().empty()) {
    text.append(" ").append(error.sqlstate());
  }
  if (!error.constraint.empty()) {
    text.append(" (").append(error.constraint).append(")");
  }
  if (!error.message.empty()) {
    text.append(": ").append(error.message);
  }
  return text;
}

Error make_error(ErrorKind kind, std::string_view message) {
  Error error;
  error.kind = kind;
  error.message = message;
  return error;
}

// Appendix A of the PostgreSQL manual. Class 08 is the connection's; 57P01-57P05 say that the
// server goes away or is not there yet; 53300 that it takes no more connections; 25006 that this
// server has become a standby.
ErrorKind kind_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate == "23505") {
    return ErrorKind::unique_violation;
  }
  if (sqlstate == "23503") {
    return ErrorKind::foreign_key_violation;
  }
  if (sqlstate == "23514") {
    return ErrorKind::check_violation;
  }
  if (sqlstate == "23502") {
    return ErrorKind::not_null_violation;
  }
  if (sqlstate == "40001" || sqlstate == "40P01") {
    return ErrorKind::serialization_failure;
  }
  if (sqlstate == "57014") {
    return ErrorKind::timeout;
  }
  if (sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "53300" ||
      sqlstate == "25006") {
    return ErrorKind::unavailable;
  }
  return ErrorKind::rejected;
}

sk::Error to_net_error(const Error& error) {
  const auto as = [](ErrorCode code) {
    return sk::Error{code, ErrorOrigin::upstream, 0, "postgresql"};
  };
  switch (error.kind) {
    case ErrorKind::unavailable:
      return as(ErrorCode::unavailable);
    case ErrorKind::overloaded:
      return as(ErrorCode::overloaded);
    case ErrorKind::timeout:
      return as(ErrorCode::deadline);
    case ErrorKind::cancelled:
      return as(ErrorCode::cancelled);
    case ErrorKind::no_rows:
      return as(ErrorCode::not_found);
    case ErrorKind::unique_violation:
    case ErrorKind::serialization_failure:
      return as(ErrorCode::conflict);
    default:
      return as(ErrorCode::internal);
  }
}

}  // namespace sk::pg
