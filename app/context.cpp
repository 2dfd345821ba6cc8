#include "app/context.h"

#include "net/core/log_line.h"

namespace sk::app {

namespace {

constexpr std::string_view kUndefinedTable = "42P01";

std::string explain(const pg::Error& error) {
  std::string text = "postgres: " + pg::describe(error);
  if (error.sqlstate() == kUndefinedTable) {
    text += "; has the command migrate been run?";
  }
  return text;
}

}  // namespace

ServiceError::ServiceError(const pg::Error& error)
    : ServiceError(pg::to_net_error(error), explain(error)) {}

ServiceError::ServiceError(const redis::Error& error)
    : ServiceError(
          Error{.code = error.kind == redis::ErrorKind::overloaded    ? ErrorCode::overloaded
                        : error.kind == redis::ErrorKind::timeout     ? ErrorCode::deadline
                        : error.kind == redis::ErrorKind::cancelled   ? ErrorCode::cancelled
                        : error.kind == redis::ErrorKind::unavailable ? ErrorCode::unavailable
                                                                      : ErrorCode::internal,
                .origin = ErrorOrigin::upstream,
                .sys_errno = 0,
                .detail = "redis"},
          "redis: " + redis::describe(error)) {}

void Context::deadline(Duration from_now) {
  const Instant wanted = after(exchange_.loop().now(), from_now);
  if (wanted < exchange_.deadline()) {
    exchange_.set_deadline(wanted);
    if (!exchange_.stages.clock.running()) {
      // So that an answer for this deadline can name the stage.
      exchange_.time_stages(Stage::handler, exchange_.loop().now());
    }
  }
}

RequestDatabase Context::pg() {
  if (services_.pg == nullptr) {
    throw ServiceError(Error{ErrorCode::unavailable, ErrorOrigin::config, 0, "no database"},
                       "no database is configured: set DATABASE_URL or PGHOST");
  }
  return RequestDatabase(*services_.pg, scope());
}

RequestRedis Context::redis() {
  if (services_.redis == nullptr) {
    throw ServiceError(Error{ErrorCode::unavailable, ErrorOrigin::config, 0, "no redis"},
                       "no Redis is configured: set REDIS_URL");
  }
  return RequestRedis(*services_.redis, scope());
}

Cache& Context::cache() { return *services_.cache; }

void Context::log_error(std::string_view message, std::string_view detail) {
  if (services_.log != nullptr) {
    const std::string id = "req-" + std::string(request_id());
    services_.log->event(LogLevel::error, message, {{"reqId", id}, {"err", detail}});
  }
}

}  // namespace sk::app
