// Endpoint: one address behind an upstream, or one worker, as all data threads see it.
//
// Shared by all threads: what changes are atomics in a cache line of its own. Made and destroyed by
// the control thread; it outlives every thread that may hold a pointer to it.
#pragma once

#include "net/core/time.h"

#include "lb/config_address.h"

#include <atomic>
#include <cstdint>
#include <string>

namespace sk::lb {

// Set by who knows: the supervisor (dead, warming, ok, draining). Ejection is separate: see below.
enum class EndpointState : std::uint8_t {
  dead,     // no process, or one that was given up: never used
  warming,  // started, not ready yet: never used
  ok,
  draining,  // finishes what it has
};

std::string_view to_string(EndpointState state);

class Endpoint {
 public:
  // A few failures in a row to reach it, and it is left alone for a while. Without this an endpoint
  // that fails fast would look idle, and so attract all requests.
  static constexpr std::uint32_t kFailuresToEject = 3;
  static constexpr Duration kEjectionMin = std::chrono::seconds(1);
  static constexpr Duration kEjectionMax = std::chrono::seconds(30);

  Endpoint(std::string name, std::uint32_t index, EndpointState state)
      : name_(std::move(name)), index_(index), state_(state) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // "10.0.3.7:8080", "worker 1": for logs and metrics.
  const std::string& name() const { return name_; }
  // Position among the endpoints of its upstream.
  std::uint32_t index() const { return index_; }

  EndpointState state() const { return state_.load(std::memory_order_acquire); }
  void set_state(EndpointState state) { state_.store(state, std::memory_order_release); }

  // Requests from selection to the end of the exchange, of all threads.
  std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::uint32_t enter() { return in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  // For streams that count themselves.
  std::atomic<std::uint32_t>& in_flight_counter() { return in_flight_; }

  bool ejected(Instant now) const {
    return ejected_until_ns_.load(std::memory_order_relaxed) > now.time_since_epoch().count();
  }
  // It answered: whatever the status says, it can be reached.
  void succeeded();
  // It could not be reached, or broke the connection before it answered.
  void failed(Instant now);
  std::uint64_t failures_total() const { return failures_.load(std::memory_order_relaxed); }

 private:
  const std::string name_;
  const std::uint32_t index_;

  alignas(64) std::atomic<std::uint32_t> in_flight_{0};
  std::atomic<EndpointState> state_;
  std::atomic<std::uint32_t> failures_in_a_row_{0};
  std::atomic<std::int64_t> ejected_until_ns_{0};  // of the monotonic clock
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace sk::lb
