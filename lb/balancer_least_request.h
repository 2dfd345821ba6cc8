// The balancer policy least_request: the endpoint with the fewest requests in flight.
//
// A full scan of counters that all threads share; ties go to the one after `turn`, so that idle
// endpoints take turns. Ejected endpoints are used only where nothing else is left: an upstream
// whose endpoints all look broken is still tried.
#pragma once

#include "lb/endpoint.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace sk::lb {

using Endpoints = std::vector<std::unique_ptr<Endpoint>>;

// Counts the request in the endpoint it returns: the caller owes it one leave(). nullptr where no
// endpoint may be used: none is ok, all are at in_flight_max, or the only one is `except`.
// turn: any number that changes from call to call; see above.
Endpoint* pick_least_request(const Endpoints& endpoints, const Endpoint* except,
                             std::uint32_t in_flight_max, Instant now, std::uint32_t turn);

}  // namespace sk::lb
