// The two lines per request, and the third for a client that left: the contract with operators.
//
// Written by the balancer, or by a worker that runs alone, never by both. Dashboards search these
// lines with regular expressions that must match verbatim:
//   statusCode\": [45]\d{2}
//   \"url\": \"(?<route>[^\"]+)
//   responseTime\": (?<rt>\d+\.\d+).*\"url\": \"(?<route>[^\"]+)
//   incoming request req-(?<id>\w+)
//   not like /completed/
// Hence: one space after each colon, responseTime with a decimal point and before the only url,
// statusCode at top level and only in completed lines, no top-level key named route, rt, id or p99.
// An error's detail is an event line of its own, without statusCode and url.
#pragma once

#include "net/core/log_line.h"

#include <cstdint>
#include <string_view>

namespace sk {

// What all lines of a request share. The bytes are the caller's.
struct AccessLogRequest {
  std::string_view id = {};  // [A-Za-z0-9_], without "req-"; other bytes are left out
  std::string_view method = {};
  std::string_view target = {};  // as received; the query is not logged, and 2 KiB are the most
  std::string_view host = {};
  std::string_view remote_address = {};
  std::uint16_t remote_port = 0;
};

// How it went. Empty texts and zero numbers are left out of the line.
struct AccessLogOutcome {
  std::int64_t unix_ms = 0;  // when the line is written
  int status = 0;            // completed only
  std::int64_t response_time_ns = 0;
  std::string_view route_pattern = {};  // "/users/:id": the application's, or the balancer's path
  std::string_view upstream = {};       // the upstream's name
  std::string_view endpoint = {};       // "worker 1 (pid 4711)", "10.0.3.7:8080"
  std::string_view reason = {};         // why the program answered itself, or why it was aborted
  std::uint64_t response_body_bytes = 0;
  std::int64_t upstream_time_ns = 0;  // from choosing the endpoint to its response head
  std::uint32_t attempts = 1;         // written when there were more
  std::string_view trace_id = {};
  std::string_view extra_json = {};  // trusted: begins with ", " where it is not empty
};

// "incoming request req-…"
void log_incoming(Log& log, std::int64_t unix_ms, const AccessLogRequest& request) noexcept;
// "request completed req-…"; level 50 from status 500 on.
void log_completed(Log& log, const AccessLogRequest& request,
                   const AccessLogOutcome& outcome) noexcept;
// "request aborted req-…": the client left before its answer was complete. Level 40.
void log_aborted(Log& log, const AccessLogRequest& request,
                 const AccessLogOutcome& outcome) noexcept;

}  // namespace sk
