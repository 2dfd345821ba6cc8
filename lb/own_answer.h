// The answers that the balancer gives by itself: one table of reason, status and words.
//
// The reason stands in the log, in metrics and in the Proxy-Status field (RFC 9209); the title and
// detail in the problem document (RFC 9457) that the client gets.
#pragma once

#include "net/core/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sk::lb {

enum class OwnAnswer : std::uint8_t {
  no_route,
  no_worker,   // nothing healthy behind the route
  overloaded,  // all endpoints are at their limit
  refused,     // the endpoint refused the connection or the stream
  unreachable,
  connect_timeout,
  response_timeout,  // no answer in time
  deadline,          // the route's deadline passed
  connection_lost,   // the endpoint broke off before it answered
  bad_response,      // what came was no valid answer
  body_too_large,
  body_timeout,  // the client's body did not come
  body_malformed,
  header_too_large,  // the request does not fit the endpoint's limits
  upgrade_refused,   // upgrade to something that is not WebSocket, or from HTTP/1.0
  draining,
  internal,
};
inline constexpr std::size_t kOwnAnswers = static_cast<std::size_t>(OwnAnswer::internal) + 1;

struct OwnAnswerText {
  std::string_view reason;  // "no_route"
  std::uint16_t status;
  std::string_view title;
  std::string_view proxy_status;  // error type of RFC 9209; empty where none fits
  std::uint16_t retry_after_s;    // 0: no Retry-After
};

const OwnAnswerText& text_of(OwnAnswer answer);

// What a failed attempt becomes when it may not be retried. connecting: no byte of the request had
// left yet.
OwnAnswer answer_for(const Error& error, bool connecting);

}  // namespace sk::lb
