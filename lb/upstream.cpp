#include "lb/upstream.h"

#include <algorithm>

namespace sk::lb {

Upstream::Upstream(const UpstreamConfig& config, std::uint32_t workers) : config_(config) {
  const std::uint32_t count =
      has_workers() ? workers : static_cast<std::uint32_t>(config.endpoints.size());
  for (std::uint32_t index = 0; index < count; ++index) {
    std::string name = has_workers() ? "worker " + std::to_string(index + 1)
                                     : to_string(config.endpoints[index].address);
    endpoints_.push_back(std::make_unique<Endpoint>(
        std::move(name), index, has_workers() ? EndpointState::dead : EndpointState::ok));
  }
}

bool Upstream::usable(const Endpoint* except) const {
  return std::ranges::any_of(endpoints_, [except](const auto& endpoint) {
    return endpoint.get() != except && endpoint->state() == EndpointState::ok;
  });
}

bool Upstream::was_usable() {
  if (was_usable_.load(std::memory_order_relaxed)) {
    return true;
  }
  const bool now = usable();
  if (now) {
    was_usable_.store(true, std::memory_order_relaxed);
  }
  return now;
}

}  // namespace sk::lb
