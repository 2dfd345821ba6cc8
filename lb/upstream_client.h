// UpstreamClient: one data thread's way to one upstream: picks an endpoint, opens a stream.
//
// Belongs to one loop; close() must be awaited before destruction.
#pragma once

#include "lb/endpoint_client.h"
#include "lb/upstream.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sk::lb {

// The request's place in its endpoint's count of requests in flight.
class InFlight {
 public:
  InFlight() = default;
  explicit InFlight(Endpoint* endpoint) : endpoint_(endpoint) {}
  InFlight(InFlight&& other) noexcept : endpoint_(std::exchange(other.endpoint_, nullptr)) {}
  InFlight& operator=(InFlight&& other) noexcept {
    std::swap(endpoint_, other.endpoint_);
    return *this;
  }
  ~InFlight() { leave(); }

  void leave() {
    if (endpoint_ != nullptr) {
      std::exchange(endpoint_, nullptr)->leave();
    }
  }

 private:
  Endpoint* endpoint_ = nullptr;
};

class UpstreamClient {
 public:
  // clients: one per endpoint, in their order.
  UpstreamClient(Upstream& upstream, std::vector<std::unique_ptr<EndpointClient>> clients)
      : upstream_(upstream), clients_(std::move(clients)) {}

  Upstream& upstream() { return upstream_; }
  EndpointClient& client(const Endpoint& endpoint) { return *clients_[endpoint.index()]; }
  EndpointClient& client(std::uint32_t index) { return *clients_[index]; }

  // See Upstream::pick().
  Endpoint* pick(const Endpoint* except, Instant now) {
    return upstream_.pick(except, now, turn_++);
  }

  Task<void> close() {
    for (const std::unique_ptr<EndpointClient>& client : clients_) {
      co_await client->close();
    }
  }

 private:
  Upstream& upstream_;
  std::vector<std::unique_ptr<EndpointClient>> clients_;
  std::uint32_t turn_ = 0;
};

}  // namespace sk::lb
