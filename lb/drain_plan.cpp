#include "lb/drain_plan.h"

#include <algorithm>

namespace sk::lb {

Duration drain_timeout(const ServerConfig& config) {
  return config.drain_timeout != Duration::zero()
             ? config.drain_timeout
             : std::chrono::floor<std::chrono::milliseconds>(config.stop_timeout * 11 / 12);
}

DrainPlan drain_plan(const ServerConfig& config) {
  const Duration whole = drain_timeout(config);
  return {.quiet = std::min<Duration>(5s, whole / 11),
          .lame_duck = whole * 5 / 11,
          .in_flight = whole * 10 / 11,
          .workers = whole * 21 / 22};
}

}  // namespace sk::lb
