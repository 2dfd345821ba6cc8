#include "app/request_log.h"

#include "net/http/access_log_line.h"
#include "net/io/loop.h"

namespace sk::app {
namespace {

AccessLogRequest identity_of(const Exchange& exchange) {
  return AccessLogRequest{.id = exchange.id.view(),
                          .method = exchange.request.method_text,
                          .target = exchange.request.path,
                          .host = exchange.request.authority,
                          .remote_address = exchange.remote.address,
                          .remote_port = exchange.remote.port};
}

}  // namespace

void log_request_start(Log& log, const Exchange& exchange, RequestLog wanted) {
  if (wanted == RequestLog::both) {
    log_incoming(log, exchange.loop().wall_clock_ms(), identity_of(exchange));
  }
}

void log_request_end(Log& log, Exchange& exchange, RequestLog wanted) {
  const bool left =
      exchange.scope().cancelled() && exchange.scope().reason() != ErrorCode::deadline;
  const bool is_error = left || exchange.status() >= 500;
  if (wanted == RequestLog::off || (wanted == RequestLog::errors && !is_error)) {
    return;
  }
  // Stages bear the time at which their turn of the loop began; many requests take less than a
  // turn.
  const Instant received = exchange.stages.at(Step::received);
  const Duration took =
      received == kNever ? Duration::zero() : exchange.loop().read_clock() - received;
  const AccessLogOutcome outcome{.unix_ms = exchange.loop().wall_clock_ms(),
                                 .status = exchange.status(),
                                 .response_time_ns = took.count(),
                                 .route_pattern = exchange.route_pattern,
                                 .response_body_bytes = exchange.response_bytes()};
  if (left) {
    log_aborted(log, identity_of(exchange), outcome);
  } else {
    log_completed(log, identity_of(exchange), outcome);
  }
}

}  // namespace sk::app
