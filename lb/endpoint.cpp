#include "lb/endpoint.h"

#include <algorithm>

namespace sk::lb {

std::string_view to_string(EndpointState state) {
  switch (state) {
    case EndpointState::dead:
      return "dead";
    case EndpointState::warming:
      return "warming";
    case EndpointState::ok:
      return "ok";
    case EndpointState::draining:
      return "draining";
  }
  return "dead";
}

void Endpoint::succeeded() {
  // Written only where it changes something: the line is read by every thread.
  if (failures_in_a_row_.load(std::memory_order_relaxed) != 0) {
    failures_in_a_row_.store(0, std::memory_order_relaxed);
    ejected_until_ns_.store(0, std::memory_order_relaxed);
  }
}

void Endpoint::failed(Instant now) {
  failures_.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t in_a_row = failures_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (in_a_row < kFailuresToEject) {
    return;
  }
  // Twice as long with each further failure: what comes after an ejection is a probe.
  const std::uint32_t doublings = std::min<std::uint32_t>(in_a_row - kFailuresToEject, 5);
  const Duration ejection = std::min<Duration>(kEjectionMin * (1U << doublings), kEjectionMax);
  ejected_until_ns_.store((now + ejection).time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace sk::lb
