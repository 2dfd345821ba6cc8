// ThreadContext: what everything on one data thread shares.
//
// Made by DataThread; all it names outlives whatever holds a reference to it.
#pragma once

#include "net/core/log_line.h"
#include "net/io/loop.h"

#include "lb/config.h"
#include "lb/metrics.h"
#include "lb/router.h"
#include "lb/server_state.h"

#include <memory>
#include <vector>

namespace sk::lb {

class UpstreamClient;

struct ThreadContext {
  Loop& loop;
  Log& log;
  ThreadMetrics& metrics;
  const Config& config;
  const Router& router;
  ServerState& state;
  // In the order of the configuration.
  std::vector<std::unique_ptr<UpstreamClient>> upstreams;
  // Of each route, the position of its upstream.
  std::vector<std::uint32_t> route_upstreams;
};

}  // namespace sk::lb
