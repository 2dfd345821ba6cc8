#include "lb/config_check.h"

#include "net/core/nearest_name.h"
#include "net/core/units.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sk::lb {
namespace {

// The ALB keeps idle connections for 60 s and answers 502 where its target closes one first.
constexpr Duration kAlbIdle = 60s;

// Long enough not to be guessed, short enough for a header field.
constexpr std::size_t kSecretBytesMin = 16;
constexpr std::size_t kSecretBytesMax = 256;

void check_server(const Config& config, ConfigMessages& messages) {
  const ServerConfig& server = config.server;
  if (server.buffers != 0 && server.buffers < 64) {
    messages.error(
        {}, "server.buffers",
        std::to_string(server.buffers) + " are too few: 64 or more, or 0 for what memory allows");
  }
  if (server.drain_timeout >= server.stop_timeout) {
    messages.error(
        {}, "server.drain_timeout",
        format_duration(server.drain_timeout) + " is not less than stop_timeout, " +
            format_duration(server.stop_timeout) +
            ", after which the platform kills; leave it out to get eleven twelfths of that");
  }
}

void check_admin(const Config& config, ConfigMessages& messages) {
  const AdminConfig& admin = config.admin;
  if (!admin.address) {
    return;
  }
  if (admin.address->kind == ConfigAddress::Kind::dns) {
    messages.error(admin.place, "admin.address", "expected an address of this machine, not a name");
  } else if (!is_local(*admin.address) && !admin.allow_public) {
    messages.error(admin.place, "admin.address",
                   to_string(*admin.address) +
                       " is reachable from outside, and metrics say much about a system: use "
                       "127.0.0.1 or a Unix socket, or set allow_public = true");
  }
}

// The name of a secret may be told, its value not.
void check_timing_secret(const ServerConfig& server, ConfigMessages& messages) {
  const std::string& secret = server.timing_secret;
  const bool clean =
      std::ranges::all_of(secret, [](char byte) { return byte > 0x20 && byte < 0x7f; });
  if (!secret.empty() &&
      (!clean || secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax)) {
    messages.error({}, "server.timing_secret",
                   "expected " + std::to_string(kSecretBytesMin) + " to " +
                       std::to_string(kSecretBytesMax) +
                       " visible ASCII characters without spaces, such as the output of "
                       "`openssl rand -hex 16`");
  }
}

void check_tls(const ListenerConfig& listener, ConfigMessages& messages) {
  const ListenerTlsConfig& tls = *listener.tls;
  if (tls.certificates.size() > 1) {
    messages.error(tls.certificates[1].place, "listener.tls.certificates",
                   "one certificate per listener for now; put all names into one certificate or "
                   "use a listener each");
  }
  if (listener.redirect_https != 0) {
    messages.error(listener.place, "listener.redirect_https",
                   "has no sense on a listener with tls; remove one of the two");
  }
}

void check_limits(const ListenerConfig& listener, ConfigMessages& messages) {
  const LimitsConfig& limits = listener.limits;
  if (limits.h1.header_field_bytes > limits.h1.header_total_bytes) {
    messages.error(listener.place, "listener.limits.header_field",
                   format_size(limits.h1.header_field_bytes) + " is more than header_total, " +
                       format_size(limits.h1.header_total_bytes) +
                       ", allows for all fields together");
  }
  if (limits.h1.request_line_bytes > limits.h1.header_total_bytes) {
    messages.error(listener.place, "listener.limits.request_line",
                   format_size(limits.h1.request_line_bytes) + " is more than header_total, " +
                       format_size(limits.h1.header_total_bytes) + ", allows for the whole head");
  }
  if (listener.profile == Profile::behind_alb && limits.idle_timeout <= kAlbIdle) {
    messages.error(listener.place, "listener.limits.idle_timeout",
                   format_duration(limits.idle_timeout) +
                       " is not longer than the 60s an ALB keeps idle connections: it would send "
                       "requests into closing ones and answer 502; set 65s or more");
  }
}

void check_server_timing(const ListenerConfig& listener, ConfigMessages& messages) {
  if (listener.server_timing != ServerTiming::loopback) {
    return;
  }
  for (const char* address : {"127.0.0.1", "::1"}) {
    const auto bytes = parse_ip(address);
    const auto contains = [&](const Network& network) { return network.contains(*bytes); };
    if (std::ranges::any_of(listener.trusted_proxies, contains)) {
      messages.error(listener.place, "listener.server_timing",
                     "\"loopback\" takes clients on this machine for local ones, but "
                     "trusted_proxies says that a proxy there brings requests of others: use "
                     "\"secret\"");
      return;
    }
  }
}

void check_listeners(const Config& config, ConfigMessages& messages) {
  if (config.listeners.empty() && !messages.has_errors()) {
    messages.error({}, "listener", "there is none: add [[listener]] with an address");
  }
  for (std::size_t index = 0; index < config.listeners.size(); ++index) {
    const ListenerConfig& listener = config.listeners[index];
    if (listener.address.kind == ConfigAddress::Kind::dns) {
      messages.error(listener.place, "listener.address",
                     "expected an address of this machine, not a name");
    }
    for (std::size_t before = 0; before < index && !listener.address.host.empty(); ++before) {
      if (config.listeners[before].address == listener.address) {
        messages.error(listener.place, "listener.address",
                       to_string(listener.address) + " is taken by the listener of line " +
                           std::to_string(config.listeners[before].place.line));
      }
    }
    if (config.admin.address && *config.admin.address == listener.address) {
      messages.error(listener.place, "listener.address",
                     to_string(listener.address) + " is the admin address too");
    }
    if (listener.tls) {
      check_tls(listener, messages);
    }
    check_limits(listener, messages);
    check_server_timing(listener, messages);
  }
}

void check_workers(const UpstreamConfig& upstream, ConfigMessages& messages) {
  const WorkersConfig& workers = *upstream.workers;
  if (workers.backoff_min > workers.backoff_max) {
    messages.error(upstream.place, "upstream.workers.backoff_min",
                   format_duration(workers.backoff_min) + " is more than backoff_max, " +
                       format_duration(workers.backoff_max));
  }
}

void check_endpoints(const UpstreamConfig& upstream, ConfigMessages& messages) {
  for (std::size_t index = 0; index < upstream.endpoints.size(); ++index) {
    for (std::size_t before = 0; before < index; ++before) {
      if (upstream.endpoints[before].address == upstream.endpoints[index].address) {
        messages.error(upstream.endpoints[index].place, "upstream.endpoints",
                       in_quotes(to_string(upstream.endpoints[index].address)) +
                           " stands there twice; a weight is not made this way");
      }
    }
  }
}

void check_upstreams(const Config& config, ConfigMessages& messages) {
  for (std::size_t index = 0; index < config.upstreams.size(); ++index) {
    const UpstreamConfig& upstream = config.upstreams[index];
    for (std::size_t before = 0; before < index && !upstream.name.empty(); ++before) {
      if (config.upstreams[before].name == upstream.name) {
        messages.error(upstream.place, "upstream.name",
                       in_quotes(upstream.name) + " is the name of the upstream of line " +
                           std::to_string(config.upstreams[before].place.line) + " too");
      }
    }
    if (upstream.workers) {
      check_workers(upstream, messages);
    }
    check_endpoints(upstream, messages);
  }
}

void check_host(const RouteConfig& route, ConfigMessages& messages) {
  std::string_view host = route.host;
  if (host.empty()) {
    return;
  }
  if (host.starts_with("*.")) {
    host.remove_prefix(2);
  }
  const bool clean = !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char b) {
    return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '-' ||
           b == '.' || b == '_' || b == '[' || b == ']' || b == ':';
  });
  const bool has_port = host.find(':') != std::string_view::npos && host.front() != '[';
  if (!clean || has_port) {
    messages.error(route.place, "route.host",
                   in_quotes(route.host) +
                       " is not a host: write \"api.example.com\" or \"*.example.com\", without "
                       "scheme and port");
  }
}

void check_path(const RouteConfig& route, ConfigMessages& messages) {
  const std::string& path = route.path;
  const std::size_t star = path.find('*');
  const bool star_ok =
      star == std::string::npos || (star + 1 == path.size() && path.ends_with("/*"));
  const bool clean = std::ranges::all_of(
      path, [](char byte) { return byte > 0x20 && byte < 0x7f && byte != '?' && byte != '#'; });
  if (!path.starts_with('/') || !star_ok || !clean || path.size() > 2048) {
    messages.error(route.place, "route.path",
                   in_quotes(path) +
                       " is not a path: write \"/v1/items\" for exactly this one or \"/v1/*\" for "
                       "all below /v1/");
  }
}

void check_budget(const RouteConfig& route, ConfigMessages& messages) {
  const BudgetConfig& budget = *route.budget;
  struct Step {
    const char* name;
    const std::optional<Duration>& value;
  };
  const Step steps[] = {{"p50", budget.p50}, {"p99", budget.p99}, {"p999", budget.p999}};
  const Step* last = nullptr;
  for (const Step& step : steps) {
    if (!step.value) {
      continue;
    }
    if (last != nullptr && *step.value < *last->value) {
      messages.error(budget.place, std::string("route.budget.") + step.name,
                     format_duration(*step.value) + " is less than " + last->name + ", " +
                         format_duration(*last->value) + "; a higher percentile is never faster");
    }
    last = &step;
  }
  if (budget.deadline && !budget.p99 && budget.p50 && *budget.deadline < *budget.p50) {
    messages.error(budget.place, "route.budget.deadline",
                   format_duration(*budget.deadline) + " is less than p50, " +
                       format_duration(*budget.p50) + ": half of the requests would be cut off");
  }
  if (budget.deadline && budget.p999 && *budget.deadline < *budget.p999 &&
      (!budget.p99 || *budget.deadline >= *budget.p99)) {
    messages.warning(budget.place, "route.budget.deadline",
                     format_duration(*budget.deadline) + " is less than p999, " +
                         format_duration(*budget.p999) + ", which can so never be missed");
  }
  if (budget.deadline && budget.p99 && *budget.deadline < *budget.p99) {
    messages.error(budget.place, "route.budget.deadline",
                   format_duration(*budget.deadline) + " is less than p99, " +
                       format_duration(*budget.p99) +
                       ": more than one request in a hundred would be cut off");
  }
  if (budget.deadline && *budget.deadline > route.total_timeout) {
    messages.error(budget.place, "route.budget.deadline",
                   format_duration(*budget.deadline) + " is more than total_timeout, " +
                       format_duration(route.total_timeout) + ", which would end it before");
  }
}

void warn_of_unused_upstreams(const Config& config, ConfigMessages& messages) {
  for (const UpstreamConfig& upstream : config.upstreams) {
    if (std::ranges::find(config.routes, upstream.name, &RouteConfig::upstream) ==
        config.routes.end()) {
      messages.warning(upstream.place, "upstream", in_quotes(upstream.name) + " has no route");
    }
  }
}

// True if everything that b matches is matched by a.
bool covers(const RouteConfig& a, const RouteConfig& b) {
  const bool host = a.host.empty() || a.host == b.host ||
                    (a.host.starts_with("*.") && !b.host.empty() &&
                     b.host.size() > a.host.size() - 1 && b.host.ends_with(a.host.substr(1)));
  const bool path = a.path == b.path ||
                    (a.path.ends_with("/*") &&
                     b.path.starts_with(std::string_view(a.path).substr(0, a.path.size() - 1)));
  return host && path;
}

void check_routes(const Config& config, ConfigMessages& messages) {
  std::vector<std::string_view> names;
  for (const UpstreamConfig& upstream : config.upstreams) {
    names.push_back(upstream.name);
  }
  const bool serves = std::ranges::any_of(config.listeners, [](const ListenerConfig& listener) {
    return listener.redirect_https == 0;
  });
  if (config.routes.empty() && serves && !messages.has_errors()) {
    messages.error({}, "route", "there is none: add [[route]] with an upstream");
  }
  for (std::size_t index = 0; index < config.routes.size(); ++index) {
    const RouteConfig& route = config.routes[index];
    if (!route.upstream.empty() && std::ranges::find(names, route.upstream) == names.end()) {
      messages.error(route.upstream_place, "route.upstream",
                     "there is no upstream " + in_quotes(route.upstream) +
                         did_you_mean(nearest_name(route.upstream, names)));
    }
    check_host(route, messages);
    check_path(route, messages);
    if (route.response_header_timeout > route.total_timeout) {
      messages.error(route.place, "route.response_header_timeout",
                     format_duration(route.response_header_timeout) +
                         " is more than total_timeout, " + format_duration(route.total_timeout));
    }
    if (route.budget) {
      check_budget(route, messages);
    }
    for (std::size_t before = 0; before < index; ++before) {
      if (covers(config.routes[before], route)) {
        messages.warning(route.place, "route",
                         "never matches: the route of line " +
                             std::to_string(config.routes[before].place.line) +
                             " stands before it and matches all that it does");
        break;
      }
    }
  }
}

}  // namespace

void check_config(const Config& config, ConfigMessages& messages) {
  check_server(config, messages);
  check_timing_secret(config.server, messages);
  check_listeners(config, messages);
  check_admin(config, messages);
  check_upstreams(config, messages);
  check_routes(config, messages);
  if (!messages.has_errors()) {
    warn_of_unused_upstreams(config, messages);
  }
}

}  // namespace sk::lb
