// Upstream: the set of endpoints behind a name, as all threads share it.
//
// Made once from the configuration. How a data thread talks to an endpoint is the business of its
// EndpointClient; who changes an endpoint's state is the supervisor (workers) or nobody
// (addresses).
#pragma once

#include "lb/balancer_least_request.h"
#include "lb/config.h"

#include <cstdint>

namespace sk::lb {

class Upstream {
 public:
  // workers: how many the upstream has, where it has workers (count 0 is resolved by the caller).
  // The configuration outlives this.
  Upstream(const UpstreamConfig& config, std::uint32_t workers);

  const UpstreamConfig& config() const { return config_; }
  const Endpoints& endpoints() const { return endpoints_; }
  bool has_workers() const { return config_.workers.has_value(); }
  bool is_link() const {
    return has_workers() && config_.workers->protocol == WorkerProtocol::link;
  }

  // Any endpoint that may be used, other than `except`.
  bool usable(const Endpoint* except = nullptr) const;
  // Has been usable once since the start. Sticky; asked by the health endpoints.
  bool was_usable();

  // The endpoint that shall answer the next request, counted in (Endpoint::leave() is owed), or
  // nullptr. turn: any number that changes from call to call.
  Endpoint* pick(const Endpoint* except, Instant now, std::uint32_t turn) const {
    return pick_least_request(endpoints_, except, config_.in_flight_max, now, turn);
  }

 private:
  const UpstreamConfig& config_;
  Endpoints endpoints_;
  std::atomic<bool> was_usable_{false};
};

}  // namespace sk::lb
