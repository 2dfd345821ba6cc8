// When a worker that ended may be started again: back-off and crash-loop breaker of one worker.
//
// Pure logic: the caller brings the clock and the randomness. A worker that lived for less than the
// window ended early. Each early end doubles the pause, from backoff_min to backoff_max, with a
// jitter of 10 % so that workers do not fall and rise together. When crash_loop_count early ends
// fall into one window the breaker opens: from then on it is tried only every backoff_max, until
// one lives for a window. A worker that lived longer starts again after backoff_min.
#pragma once

#include "net/core/time.h"

#include "lb/config.h"

#include <cstdint>
#include <deque>

namespace sk::lb {

class RestartBackoff {
 public:
  explicit RestartBackoff(const WorkersConfig& config)
      : min_(config.backoff_min),
        max_(config.backoff_max),
        window_(config.crash_loop_window),
        count_(config.crash_loop_count) {}

  void started(Instant now) { started_ = now; }

  struct Restart {
    Duration pause{};
    bool crash_loop = false;         // the breaker is open
    bool crash_loop_begins = false;  // by this very end: worth an error line
  };
  // random: any 64 bits.
  Restart ended(Instant now, std::uint64_t random);

 private:
  const Duration min_;
  const Duration max_;
  const Duration window_;
  const std::uint32_t count_;

  Instant started_{};
  std::uint32_t early_in_a_row_ = 0;
  std::deque<Instant> early_ends_;  // within the window; at most count_
  bool open_ = false;
};

}  // namespace sk::lb
