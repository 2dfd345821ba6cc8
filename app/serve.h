// How an application's process runs: alone with HTTP/1.1 on a listener, or as a worker of
// sidekick-lb over the links that its supervisor passes.
//
// Both run one loop on the calling thread until they are told to stop (SIGTERM or SIGINT; for a
// worker also the end of its control socket), answer what has begun, and return the exit code.
#pragma once

#include "app/config.h"
#include "app/routes.h"

#include <string>
#include <string_view>

namespace sk::app {

struct Identity {
  std::string name;
  std::string version;
};

[[nodiscard]] int serve_alone(const Routes& routes, const Config& config, const Identity& identity);
[[nodiscard]] int serve_as_worker(const Routes& routes, const Config& config,
                                  const Identity& identity);

// True where a supervisor started this process as a worker of its own.
[[nodiscard]] bool started_as_worker();

}  // namespace sk::app
