#include "lb/retry.h"

namespace sk::lb {
namespace {

constexpr std::uint32_t kTimeLeftPercentMin = 25;

bool is_timeout(ErrorCode error) {
  return error == ErrorCode::timeout || error == ErrorCode::deadline;
}

}  // namespace

RetryVerdict may_retry(const FailedAttempt& attempt) {
  if (attempt.client_gone) {
    return RetryVerdict::client_gone;
  }
  if (attempt.answer_begun) {
    return RetryVerdict::answer_begun;
  }
  if (attempt.error == ErrorCode::deadline) {
    return RetryVerdict::timed_out;
  }
  if (!attempt.never_started) {
    if (!attempt.idempotent) {
      return RetryVerdict::may_have_run;
    }
    if (is_timeout(attempt.error)) {
      return RetryVerdict::timed_out;
    }
  }
  if (!attempt.body_replayable) {
    return RetryVerdict::body_too_large;
  }
  if (attempt.attempts_made >= attempt.attempts_max) {
    return RetryVerdict::attempts_exhausted;
  }
  if (attempt.time_left_percent < kTimeLeftPercentMin) {
    return RetryVerdict::too_late;
  }
  return attempt.other_endpoint ? RetryVerdict::retry : RetryVerdict::no_other_endpoint;
}

std::string_view to_string(RetryVerdict verdict) {
  switch (verdict) {
    case RetryVerdict::retry:
      return "retry";
    case RetryVerdict::client_gone:
      return "client_gone";
    case RetryVerdict::answer_begun:
      return "answer_begun";
    case RetryVerdict::attempts_exhausted:
      return "attempts_exhausted";
    case RetryVerdict::body_too_large:
      return "body_too_large";
    case RetryVerdict::may_have_run:
      return "may_have_run";
    case RetryVerdict::timed_out:
      return "timed_out";
    case RetryVerdict::too_late:
      return "too_late";
    case RetryVerdict::no_other_endpoint:
      return "no_other_endpoint";
  }
  return "retry";
}

}  // namespace sk::lb
