// Backoff: how long to wait before the next attempt at something that keeps failing.
//
// Pauses double from `first` up to `longest`; each is then shortened by up to half of itself at
// random, so that processes that lost the same peer do not come back in step.
#pragma once

#include "net/core/time.h"
#include "net/io/loop.h"

#include <algorithm>

namespace sk {

class Backoff {
 public:
  Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

  // The pause before the next attempt; the one after it will be longer.
  [[nodiscard]] Duration next(Loop& loop) {
    const Duration whole = next_;
    next_ = std::min(longest_, whole * 2);
    const auto half = whole.count() / 2;
    return Duration(whole.count() - static_cast<Duration::rep>(
                                        loop.random_below(static_cast<std::uint64_t>(half) + 1)));
  }

  // It worked: the next failure starts from the beginning.
  void reset() { next_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration next_;
};

}  // namespace sk
