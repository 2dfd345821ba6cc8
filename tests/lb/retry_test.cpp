// The retry rule as a table: what happened, and whether the request may be sent elsewhere.
#include "lb/retry.h"

#include <gtest/gtest.h>

#include <ostream>

namespace sk::lb {

static std::ostream& operator<<(std::ostream& out, RetryVerdict verdict) {
  return out << to_string(verdict);
}

namespace {

struct Case {
  const char* what;
  FailedAttempt attempt;
  RetryVerdict verdict;
};

FailedAttempt get(ErrorCode error) {
  FailedAttempt attempt;
  attempt.error = error;
  attempt.idempotent = true;
  return attempt;
}

FailedAttempt post(ErrorCode error) {
  FailedAttempt attempt = get(error);
  attempt.idempotent = false;
  return attempt;
}

FailedAttempt with(FailedAttempt attempt, auto change) {
  change(attempt);
  return attempt;
}

TEST(Retry, FollowsTheTable) {
  const auto never_started = [](FailedAttempt& a) { a.never_started = true; };
  const Case cases[] = {
      {"GET, connection broke before an answer", get(ErrorCode::reset), RetryVerdict::retry},
      {"GET, pooled connection was closed", get(ErrorCode::closed), RetryVerdict::retry},
      {"GET, worker refused", with(get(ErrorCode::refused), never_started), RetryVerdict::retry},
      {"POST, worker refused it", with(post(ErrorCode::refused), never_started),
       RetryVerdict::retry},
      {"POST, taken back", with(post(ErrorCode::reset), never_started), RetryVerdict::retry},
      {"POST, connect timed out", with(post(ErrorCode::timeout), never_started),
       RetryVerdict::retry},
      {"POST, connection broke, may have run", post(ErrorCode::reset), RetryVerdict::may_have_run},
      {"POST, timeout", post(ErrorCode::timeout), RetryVerdict::may_have_run},
      {"GET, timeout", get(ErrorCode::timeout), RetryVerdict::timed_out},
      {"GET, deadline", get(ErrorCode::deadline), RetryVerdict::timed_out},
      {"POST, deadline though never started", with(post(ErrorCode::deadline), never_started),
       RetryVerdict::timed_out},
      {"GET, answer had begun",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.answer_begun = true; }),
       RetryVerdict::answer_begun},
      {"PUT, body not held any more",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.body_replayable = false; }),
       RetryVerdict::body_too_large},
      {"POST, never started, body not held any more",
       with(with(post(ErrorCode::refused), never_started),
            [](FailedAttempt& a) { a.body_replayable = false; }),
       RetryVerdict::body_too_large},
      {"GET, second attempt failed too",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.attempts_made = 2; }),
       RetryVerdict::attempts_exhausted},
      {"POST, refused twice",
       with(with(post(ErrorCode::refused), never_started),
            [](FailedAttempt& a) { a.attempts_made = 2; }),
       RetryVerdict::attempts_exhausted},
      {"GET, retries are off",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.attempts_max = 1; }),
       RetryVerdict::attempts_exhausted},
      {"GET, most of the time is gone",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.time_left_percent = 24; }),
       RetryVerdict::too_late},
      {"GET, only one endpoint",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.other_endpoint = false; }),
       RetryVerdict::no_other_endpoint},
      {"GET, nobody waits for it",
       with(get(ErrorCode::reset), [](FailedAttempt& a) { a.client_gone = true; }),
       RetryVerdict::client_gone},
  };
  for (const Case& item : cases) {
    EXPECT_EQ(may_retry(item.attempt), item.verdict) << item.what;
  }
}

// Whatever the facts: what may have run, and must not run twice, is never repeated.
TEST(Retry, NothingThatMayHaveRunTwiceIsEverRepeated) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
      FailedAttempt attempt;
      attempt.error = static_cast<ErrorCode>(code);
      attempt.never_started = (bits & 1) != 0;
      attempt.idempotent = (bits & 2) != 0;
      attempt.answer_begun = (bits & 4) != 0;
      attempt.body_replayable = (bits & 8) != 0;
      attempt.other_endpoint = (bits & 16) != 0;
      attempt.client_gone = (bits & 32) != 0;
      attempt.attempts_made = (bits & 64) != 0 ? 1 : 2;
      attempt.time_left_percent = (bits & 128) != 0 ? 100 : 10;
      if (may_retry(attempt) == RetryVerdict::retry) {
        EXPECT_TRUE(attempt.never_started || attempt.idempotent);
        EXPECT_FALSE(attempt.answer_begun);
        EXPECT_TRUE(attempt.body_replayable);
        EXPECT_LT(attempt.attempts_made, attempt.attempts_max);
      }
    }
  }
}

}  // namespace
}  // namespace sk::lb
