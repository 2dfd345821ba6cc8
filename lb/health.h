// Health: what the balancer itself knows about being fit to serve.
//
//   /livez    200 while the process lives
//   /healthz  503 until every upstream with workers has had one ready, and from SIGTERM on; 503
//   while
//             none of them has any; otherwise what a worker says about its database and cache
//   /readyz   the same, asked of the worker's /readyz
#pragma once

#include "lb/server_state.h"
#include "lb/upstream.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace sk::lb {

enum class Probe : std::uint8_t { live, healthy, ready };

// The probe that this path is, if it is one.
std::optional<Probe> probe_of(std::string_view path);

class Health {
 public:
  Health(const ServerState& state, const std::vector<std::unique_ptr<Upstream>>& upstreams)
      : state_(state), upstreams_(upstreams) {}

  // Any thread. Nothing: we have no objection.
  std::optional<std::string_view> objection() const;  // "stopping", "no worker is ready"
  // Position of the upstream whose workers know about their dependencies, if there is one.
  std::optional<std::uint32_t> witness() const;

 private:
  const ServerState& state_;
  const std::vector<std::unique_ptr<Upstream>>& upstreams_;
};

}  // namespace sk::lb
