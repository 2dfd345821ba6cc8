#include "lb/config_environment.h"

#include "net/core/environment.h"
#include "net/core/units.h"

#include <algorithm>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace sk::lb {

std::optional<RequestLog> parse_request_log(std::string_view text) {
  for (const RequestLog value :
       {RequestLog::both, RequestLog::completed, RequestLog::errors, RequestLog::off}) {
    if (to_string(value) == text) {
      return value;
    }
  }
  return std::nullopt;
}

std::string_view to_string(RequestLog requests) {
  switch (requests) {
    case RequestLog::both:
      return "both";
    case RequestLog::completed:
      return "completed";
    case RequestLog::errors:
      return "errors";
    case RequestLog::off:
      return "off";
  }
  return "both";
}

namespace {

// The variables that are set and good, as values of the types that settings have.
class Variables {
 public:
  Variables(const Environment& environment, ConfigMessages& messages)
      : environment_(environment), messages_(messages) {
    for (const EnvironmentMistake& mistake : check_variables(environment)) {
      messages_.error({}, mistake.name, mistake.text);
      broken_.push_back(mistake.name);
    }
  }

  std::optional<std::string> text(const char* name) const {
    std::optional<std::string> value = environment_(name);
    const bool usable =
        value && !value->empty() && std::ranges::find(broken_, name) == broken_.end();
    return usable ? std::move(value) : std::nullopt;
  }

  // Calls take(value) where the variable has one.
  template <typename Take>
  void count(const char* name, Take take) const {
    if (const std::optional<std::string> value = text(name)) {
      take(static_cast<std::uint32_t>(std::stoul(*value)));
    }
  }
  template <typename Take>
  void duration(const char* name, Take take) const {
    if (const std::optional<std::string> value = text(name)) {
      take(parse_duration_variable(*value).value());
    }
  }
  template <typename Take>
  void address(const char* name, Take take) const {
    const std::optional<std::string> value = text(name);
    if (!value) {
      return;
    }
    Result<ConfigAddress> address = parse_config_address(*value);
    if (address) {
      take(std::move(*address));
    } else {
      wrong(name, address.error().detail + std::string("; got ") + in_quotes(*value));
    }
  }
  void wrong(const char* name, std::string words) const {
    messages_.error({}, name, std::move(words));
  }

 private:
  const Environment& environment_;
  ConfigMessages& messages_;
  std::vector<std::string> broken_;
};

void apply_to_server(const Variables& variables, Config& config) {
  ServerConfig& server = config.server;
  if (const auto io = variables.text("SIDEKICK_IO")) {
    server.io = parse_io_choice(*io).value();
  }
  if (const auto requests = variables.text("SIDEKICK_LOG_REQUESTS")) {
    config.log.requests = parse_request_log(*requests).value();
  }
  if (auto secret = variables.text("SIDEKICK_TIMING_SECRET")) {
    server.timing_secret = std::move(*secret);
  }
  variables.count("SIDEKICK_THREADS", [&](std::uint32_t value) { server.threads = value; });
  variables.count("SIDEKICK_BUFFERS", [&](std::uint32_t value) { server.buffers = value; });
  variables.count("SIDEKICK_CONNECTIONS_MAX",
                  [&](std::uint32_t value) { server.connections_max = value; });
  variables.duration("SIDEKICK_STOP_TIMEOUT", [&](Duration value) { server.stop_timeout = value; });
  variables.duration("SIDEKICK_DRAIN_TIMEOUT",
                     [&](Duration value) { server.drain_timeout = value; });
  variables.address("SIDEKICK_ADMIN",
                    [&](ConfigAddress value) { config.admin.address = std::move(value); });
}

void apply_to_listeners(const Variables& variables, Config& config) {
  std::vector<ListenerConfig>& listeners = config.listeners;
  variables.address("SIDEKICK_LISTEN", [&](ConfigAddress value) {
    if (listeners.size() == 1) {
      listeners.front().address = std::move(value);
    } else {
      variables.wrong("SIDEKICK_LISTEN", "says where the only listener listens, but the file has " +
                                             std::to_string(listeners.size()) +
                                             ": change their addresses there");
    }
  });
  variables.duration("SIDEKICK_KEEPALIVE_IDLE", [&](Duration value) {
    for (ListenerConfig& listener : listeners) {
      listener.limits.idle_timeout = value;
    }
  });
  variables.duration("SIDEKICK_HEADER_TIMEOUT", [&](Duration value) {
    for (ListenerConfig& listener : listeners) {
      listener.limits.header_timeout = value;
    }
  });
  const std::optional<std::string> proxies = variables.text("SIDEKICK_TRUSTED_PROXIES");
  if (!proxies) {
    return;
  }
  std::vector<Network> networks;
  for (const auto& part : std::views::split(*proxies, ',')) {
    const std::string_view text(part.begin(), part.end());
    const Result<Network> network = parse_network(text);
    if (!network) {
      return variables.wrong("SIDEKICK_TRUSTED_PROXIES",
                             network.error().detail + std::string("; got ") + in_quotes(text));
    }
    networks.push_back(*network);
  }
  for (ListenerConfig& listener : listeners) {
    listener.trusted_proxies = networks;
  }
}

void apply_to_upstreams(const Variables& variables, Config& config) {
  variables.count("SIDEKICK_WORKERS", [&](std::uint32_t value) {
    for (UpstreamConfig& upstream : config.upstreams) {
      if (upstream.workers && upstream.workers->count == 0) {
        upstream.workers->count = value;
      }
    }
  });
  variables.count("SIDEKICK_IN_FLIGHT_MAX", [&](std::uint32_t value) {
    for (UpstreamConfig& upstream : config.upstreams) {
      upstream.in_flight_max = value;
    }
  });
}

void apply_to_routes(const Variables& variables, Config& config) {
  // A ceiling: routes that promise less keep what they promise.
  variables.duration("SIDEKICK_REQUEST_DEADLINE", [&](Duration value) {
    for (RouteConfig& route : config.routes) {
      route.total_timeout = std::min(route.total_timeout, value);
      route.response_header_timeout = std::min(route.response_header_timeout, value);
      route.between_bytes_timeout = std::min(route.between_bytes_timeout, value);
      if (route.budget && route.budget->deadline) {
        route.budget->deadline = std::min(*route.budget->deadline, value);
      }
    }
  });
  if (const auto limit = variables.text("SIDEKICK_BODY_LIMIT")) {
    for (RouteConfig& route : config.routes) {
      route.body_bytes = parse_size(*limit).value();
    }
  }
}

}  // namespace

void apply_environment(Config& config, const Environment& environment, ConfigMessages& messages) {
  const Variables variables(environment, messages);
  apply_to_server(variables, config);
  apply_to_listeners(variables, config);
  apply_to_upstreams(variables, config);
  apply_to_routes(variables, config);
}

}  // namespace sk::lb
