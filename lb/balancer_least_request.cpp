#include "lb/balancer_least_request.h"

namespace sk::lb {

Endpoint* pick_least_request(const Endpoints& endpoints, const Endpoint* except,
                             std::uint32_t in_flight_max, Instant now, std::uint32_t turn) {
  const std::size_t count = endpoints.size();
  // A pick that another thread spoils is repeated, but never more often than there are endpoints.
  for (std::size_t round = 0; round < count; ++round) {
    Endpoint* best = nullptr;
    Endpoint* best_ejected = nullptr;
    std::uint32_t fewest = in_flight_max;
    std::uint32_t fewest_ejected = in_flight_max;
    std::size_t index = turn % count;
    for (std::size_t seen = 0; seen < count; ++seen, index = index + 1 == count ? 0 : index + 1) {
      Endpoint& endpoint = *endpoints[index];
      if (&endpoint == except || endpoint.state() != EndpointState::ok) {
        continue;
      }
      const std::uint32_t in_flight = endpoint.in_flight();
      if (in_flight < fewest && !endpoint.ejected(now)) {
        fewest = in_flight;
        best = &endpoint;
      } else if (in_flight < fewest_ejected) {
        fewest_ejected = in_flight;
        best_ejected = &endpoint;
      }
    }
    best = best != nullptr ? best : best_ejected;
    if (best == nullptr) {
      return nullptr;
    }
    if (best->enter() < in_flight_max) {
      return best;
    }
    best->leave();
  }
  return nullptr;
}

}  // namespace sk::lb
