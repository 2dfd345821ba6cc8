#include "lb/backoff.h"

#include <algorithm>

namespace sk::lb {

RestartBackoff::Restart RestartBackoff::ended(Instant now, std::uint64_t random) {
  if (now - started_ >= window_) {
    early_in_a_row_ = 0;
    early_ends_.clear();
    open_ = false;
    return {min_, false, false};
  }
  early_ends_.push_back(now);
  while (early_ends_.size() > count_ || now - early_ends_.front() > window_) {
    early_ends_.pop_front();
  }
  const bool begins = !open_ && early_ends_.size() >= count_;
  open_ = open_ || begins;
  Duration pause = max_;
  if (!open_) {
    // 40 doublings of a millisecond are beyond any maximum.
    const std::uint32_t doublings = std::min<std::uint32_t>(early_in_a_row_, 40);
    pause =
        max_ / (std::int64_t{1} << doublings) < min_ ? max_ : min_ * (std::int64_t{1} << doublings);
  }
  ++early_in_a_row_;
  const auto jitter_permille = static_cast<std::int64_t>(random % 201) - 100;
  return {pause + pause / 1000 * jitter_permille, open_, begins};
}

}  // namespace sk::lb
