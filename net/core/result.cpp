#include "net/core/result.h"

#include <cerrno>
#include <cstring>

namespace sk {

Error error_from_errno(int sys_errno, const char* detail, ErrorOrigin origin) {
  ErrorCode code = ErrorCode::internal;
  switch (sys_errno) {
    case ECANCELED:
      code = ErrorCode::cancelled;
      break;
    case ETIME:
    case ETIMEDOUT:
      code = ErrorCode::timeout;
      break;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      code = ErrorCode::reset;
      break;
    case ECONNREFUSED:
      code = ErrorCode::refused;
      break;
    case ENOENT:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      code = ErrorCode::unreachable;
      break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:  // connect() on a Unix socket whose backlog is full
      code = ErrorCode::overloaded;
      break;
    case EACCES:
    case EPERM:
      code = ErrorCode::permission;
      break;
    case EADDRINUSE:
      code = ErrorCode::address_in_use;
      break;
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case EOPNOTSUPP:
    case ENOSYS:
      code = ErrorCode::unsupported;
      break;
    default:
      break;
  }
  return Error{code, origin, sys_errno, detail};
}

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::deadline:
      return "deadline";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::reset:
      return "reset";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::permission:
      return "permission";
    case ErrorCode::address_in_use:
      return "address_in_use";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

std::string_view to_string(ErrorOrigin origin) {
  switch (origin) {
    case ErrorOrigin::internal:
      return "internal";
    case ErrorOrigin::downstream:
      return "downstream";
    case ErrorOrigin::upstream:
      return "upstream";
    case ErrorOrigin::config:
      return "config";
  }
  return "internal";
}

std::string describe(const Error& error) {
  std::string text;
  if (error.detail[0] != '\0') {
    text.append(error.detail).append(": ");
  }
  text.append(to_string(error.code));
  if (error.sys_errno != 0) {
    const char* name = strerrorname_np(error.sys_errno);
    const char* meaning = strerrordesc_np(error.sys_errno);
    text.append(" (").append(name != nullptr ? name : "errno");
    if (meaning != nullptr) {
      text.append(", ").append(meaning);
    }
    text.append(")");
  }
  return text;
}

}  // namespace sk
