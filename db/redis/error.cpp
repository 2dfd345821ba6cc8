#include "db/redis/error.h"

namespace sk::redis {

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
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::rejected:
      return "rejected";
    case ErrorKind::unexpected:
      return "unexpected";
  }
  return "unknown";
}

std::string describe(const Error& error) {
  std::string text(to_string(error.kind));
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

}  // namespace sk::redis
