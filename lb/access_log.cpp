#include "lb/access_log.h"

#include "net/http/access_log_line.h"
#include "net/io/loop.h"

namespace sk::lb {
namespace {

AccessLogRequest request_of(const Exchange& exchange) {
  return {.id = exchange.id.view(),
          .method = exchange.request.method_text,
          .target = exchange.request.path,
          .host = exchange.request.authority,
          .remote_address = exchange.remote.address,
          .remote_port = exchange.remote.port};
}

}  // namespace

bool was_aborted(Exchange& exchange, const RequestRecord& record) {
  return !record.complete && exchange.scope().cancelled() &&
         exchange.scope().reason() != ErrorCode::deadline;
}

void AccessLog::begun(const Exchange& exchange) {
  if (config_.log.requests == RequestLog::both) {
    log_incoming(log_, exchange.loop().wall_clock_ms(), request_of(exchange));
  }
}

void AccessLog::ended(Exchange& exchange, const RequestRecord& record, Instant now,
                      std::string_view budget) {
  const bool aborted = was_aborted(exchange, record);
  const bool failed = exchange.status() >= 500 || (!record.complete && !aborted);
  const RequestLog wanted = config_.log.requests;
  if (wanted == RequestLog::off || (wanted == RequestLog::errors && !failed && !aborted)) {
    return;
  }
  AccessLogOutcome outcome;
  outcome.unix_ms = exchange.loop().wall_clock_ms();
  outcome.status = exchange.status();
  const Instant received = exchange.stages.at(Step::received);
  outcome.response_time_ns = received == kNever ? 0 : (now - received).count();
  outcome.route_pattern = record.pattern();
  if (record.route != Router::kNone) {
    const RouteConfig& route = config_.routes[record.route];
    outcome.route_pattern = record.pattern_size > 0 ? record.pattern() : route.path;
  }
  outcome.upstream = record.upstream;
  outcome.endpoint =
      record.endpoint != nullptr ? std::string_view(record.endpoint->name()) : std::string_view();
  if (record.own_answer) {
    outcome.reason = text_of(*record.own_answer).reason;
  } else if (!record.complete) {
    outcome.reason = aborted ? std::string_view("client_gone") : to_string(record.error.code);
  }
  outcome.response_body_bytes = exchange.response_bytes();
  if (record.head_at != kNever && record.attempt_at != kNever) {
    outcome.upstream_time_ns = (record.head_at - record.attempt_at).count();
  }
  outcome.attempts = record.attempts;
  // Of a W3C trace context only the trace id: "00-<32 hex>-...".
  if (exchange.traceparent.size() >= 35) {
    outcome.trace_id = exchange.traceparent.substr(3, 32);
  }
  outcome.extra_json = budget;
  if (aborted) {
    log_aborted(log_, request_of(exchange), outcome);
  } else {
    log_completed(log_, request_of(exchange), outcome);
  }
}

void AccessLog::rejected(const Rejection& rejection) {
  if (config_.log.requests != RequestLog::off) {
    log_.event(LogLevel::info, "request rejected",
               {{"answered", rejection.status},
                {"reason", rejection.reason},
                {"remoteAddress", rejection.peer.address},
                {"remotePort", rejection.peer.port}});
  }
}

}  // namespace sk::lb
