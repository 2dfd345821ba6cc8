// The retry rule: may a request whose attempt failed be sent to another endpoint?
//
// Any method, if it certainly never started: refused by the worker, taken back from it before it
// began, or never sent at all. Otherwise only idempotent methods whose connection broke before any
// byte of an answer. Never once an answer has begun, nor when the body is not wholly held, nor
// after a timeout: the endpoint may still be at it, and a slow system does not get faster by being
// asked twice.
#pragma once

#include "net/core/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sk::lb {

// Request bodies up to this size are held until the answer begins.
inline constexpr std::size_t kReplayBytesMax = 64 << 10;

struct FailedAttempt {
  ErrorCode error = ErrorCode::internal;
  bool never_started = false;   // certainly: it did not run and never will
  bool idempotent = false;      // the method is (RFC 9110 9.2.2)
  bool answer_begun = false;    // any byte of the endpoint's answer arrived
  bool body_replayable = true;  // absent, or wholly held
  bool other_endpoint = true;   // there is one left to try
  bool client_gone = false;
  std::uint32_t attempts_made = 1;
  std::uint32_t attempts_max = 2;
  // How much of the request's time is left, in percent; 100 without a deadline.
  std::uint32_t time_left_percent = 100;
};

enum class RetryVerdict : std::uint8_t {
  retry,
  client_gone,
  answer_begun,
  attempts_exhausted,
  body_too_large,
  may_have_run,  // not idempotent, and it may have started
  timed_out,
  too_late,  // less than a quarter of the time is left
  no_other_endpoint,
};

RetryVerdict may_retry(const FailedAttempt& attempt);

// Static text for logs and metrics: "may_have_run".
std::string_view to_string(RetryVerdict verdict);

}  // namespace sk::lb
