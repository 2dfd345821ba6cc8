#include "lb/config.h"

namespace sk::lb {

LimitsConfig limits_of(Profile profile) {
  LimitsConfig limits;
  if (profile == Profile::behind_alb) {
    // The ALB's own fixed limits: 16 KiB line, 16 KiB field, 64 KiB in all.
    limits.h1.request_line_bytes = 16 << 10;
    limits.h1.header_field_bytes = 16 << 10;
    limits.h1.header_total_bytes = 64 << 10;
    // One peer that is trusted, and that would answer 502 where we close without a word.
    limits.header_timeout = 15s;
    limits.body_idle_timeout = 30s;
    limits.requests_per_connection = 1'000'000'000;
  }
  return limits;
}

}  // namespace sk::lb
