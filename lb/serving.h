// Serving: what the data threads share: configuration, sockets, endpoints, counters.
//
// Made by the server before any thread starts and alive until the last one has ended. Only what is
// marked atomic or per thread changes meanwhile.
#pragma once

#include "net/core/log_writer.h"
#include "net/io/connection_balance.h"
#include "net/io/listener.h"
#include "net/tls/context.h"

#include "lb/config.h"
#include "lb/health.h"
#include "lb/link_endpoint.h"
#include "lb/metrics.h"
#include "lb/router.h"
#include "lb/server_state.h"
#include "lb/sizing.h"
#include "lb/upstream.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace sk::lb {

// One configured listener (or the admin listener) with its socket.
struct OpenListener {
  OpenListener(const ListenerConfig& configuration, bool is_admin, Listener opened,
               std::shared_ptr<const TlsContext> context)
      : config(configuration),
        admin(is_admin),
        socket(std::move(opened)),
        tls(std::move(context)) {}

  ListenerConfig config;
  bool admin = false;
  Listener socket;
  std::shared_ptr<const TlsContext> tls;  // null: cleartext
  ConnectionBalance balance;              // which thread owns its connections
};

// Where a worker is: the position of its upstream and of its endpoint there.
struct WorkerPlace {
  std::uint32_t upstream = 0;
  std::uint32_t endpoint = 0;
};

struct Serving {
  Serving(const Config& configuration, LogWriter& writer, std::uint32_t thread_count,
          std::uint32_t workers_per_upstream)
      : config(configuration),
        log_writer(writer),
        router(configuration.routes),
        metrics(configuration, thread_count),
        threads(thread_count),
        health(state, upstreams) {
    for (const UpstreamConfig& upstream : config.upstreams) {
      const std::uint32_t stated = upstream.workers ? upstream.workers->count : 0;
      upstreams.push_back(
          std::make_unique<Upstream>(upstream, stated != 0 ? stated : workers_per_upstream));
    }
  }

  const Config& config;
  LogWriter& log_writer;
  const Router router;
  Metrics metrics;
  const std::uint32_t threads;
  ServerState state;
  std::vector<std::unique_ptr<Upstream>> upstreams;
  const Health health;
  std::vector<std::unique_ptr<OpenListener>> listeners;
  Sizing sizing;
  // Where supervised HTTP/1.1 workers listen: ports[upstream][endpoint]; empty for others.
  std::vector<std::vector<std::uint16_t>> worker_ports;
  // The whole exposition, from any thread.
  std::function<std::string()> print_metrics;
  // Called on data threads.
  std::function<void(WorkerPlace, std::uint32_t thread, const LinkEvent&)> on_link_event;

  // Joining the balances happens one thread after the other.
  std::mutex join_lock;
};

}  // namespace sk::lb
