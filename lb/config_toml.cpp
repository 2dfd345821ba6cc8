#include "lb/config_toml.h"

#include "net/core/owned_fd.h"
#include "net/core/units.h"

#include "lb/config_check.h"
#include "lb/config_environment.h"
#include "lb/config_section.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sk::lb {
namespace {

constexpr std::size_t kFileBytesMax = 4U << 20;

constexpr std::array<Choice<IoChoice>, 3> kIoChoices = {
    {{"auto", IoChoice::automatic}, {"uring", IoChoice::uring}, {"epoll", IoChoice::epoll}}};
constexpr std::array<Choice<RequestLog>, 4> kRequestLogs = {{{"both", RequestLog::both},
                                                             {"completed", RequestLog::completed},
                                                             {"errors", RequestLog::errors},
                                                             {"off", RequestLog::off}}};
constexpr std::array<Choice<Profile>, 2> kProfiles = {
    {{"edge", Profile::edge}, {"behind-alb", Profile::behind_alb}}};
constexpr std::array<Choice<WorkerProtocol>, 2> kProtocols = {
    {{"link", WorkerProtocol::link}, {"http1", WorkerProtocol::http1}}};
constexpr std::array<Choice<BalancerPolicy>, 1> kBalancers = {
    {{"least_request", BalancerPolicy::least_request}}};

constexpr const char* kListenAddress =
    "expected an address such as \"0.0.0.0:80\", \"[::]:443\" or \"unix:/run/sidekick.sock\"";

constexpr std::array<Choice<ServerTiming>, 3> kServerTimings = {
    {{"off", ServerTiming::off},
     {"secret", ServerTiming::secret},
     {"loopback", ServerTiming::loopback}}};

void read_server(Section& section, ServerConfig& server) {
  section.duration("stop_timeout", server.stop_timeout, 2s, 24h);
  section.duration("drain_timeout", server.drain_timeout, 0s, 24h);
  section.integer("threads", server.threads, 0, 256);
  section.choice("io", server.io, kIoChoices);
  section.integer("connections_max", server.connections_max, 0, 10'000'000);
  section.integer("buffers", server.buffers, 0, 32'768);
  section.text("timing_secret", server.timing_secret);
}

void read_limits(Section& section, LimitsConfig& limits) {
  section.size("request_line", limits.h1.request_line_bytes, 256, 64 << 10);
  section.size("header_field", limits.h1.header_field_bytes, 256, 64 << 10);
  section.size("header_total", limits.h1.header_total_bytes, 1 << 10, 256 << 10);
  section.integer("header_fields", limits.h1.header_fields, 1, 200);
  section.size("trailer_total", limits.h1.trailer_total_bytes, 256, 64 << 10);
  section.integer("requests_per_connection", limits.requests_per_connection, 1, 1'000'000'000);
  section.duration("tls_handshake_timeout", limits.tls_handshake_timeout, 100ms, 10min);
  section.duration("header_timeout", limits.header_timeout, 100ms, 10min);
  section.duration("body_idle_timeout", limits.body_idle_timeout, 100ms, 1h);
  section.integer("body_min_bytes_per_s", limits.body_min_bytes_per_s, 0, 1 << 30);
  section.duration("write_stall_timeout", limits.write_stall_timeout, 100ms, 1h);
  section.duration("idle_timeout", limits.idle_timeout, 100ms, 24h);
  section.size("output_buffer", limits.output_buffer_bytes, 16 << 10, 64 << 20);
}

void read_tls(Section& section, ListenerTlsConfig& tls) {
  section.required("certificates");
  section.list("certificates", "expected a list of { cert = \"...\", key = \"...\" }",
               [&](const toml::node& element) {
                 if (!element.is_table()) {
                   return section.wrong("certificates", element,
                                        "expected { cert = \"...\", key = \"...\" }");
                 }
                 Section inner(*element.as_table(), section.name_of("certificates"),
                               section.messages());
                 CertificateConfig certificate;
                 certificate.place = inner.place();
                 inner.required("cert");
                 inner.required("key");
                 inner.text("cert", certificate.cert);
                 inner.text("key", certificate.key);
                 inner.finish();
                 tls.certificates.push_back(std::move(certificate));
               });
}

void read_redirect(Section& section, ListenerConfig& listener) {
  const toml::node* node = section.find("redirect_https");
  if (node == nullptr) {
    return;
  }
  const auto* port = node->as_integer();
  const auto* off = node->as_boolean();
  if (port != nullptr && port->get() >= 1 && port->get() <= 65535) {
    listener.redirect_https = static_cast<std::uint16_t>(port->get());
  } else if (off == nullptr || off->get()) {
    section.wrong("redirect_https", *node,
                  "expected the port of https, such as 443, or false to serve plain requests");
  }
}

void read_listener(Section& section, Config& config) {
  ListenerConfig listener;
  listener.place = section.place();
  section.required("address");
  section.parsed("address", listener.address, parse_config_address, kListenAddress);
  section.table("tls", [&](Section& tls) { read_tls(tls, listener.tls.emplace()); });
  read_redirect(section, listener);
  section.choice("profile", listener.profile, kProfiles);
  listener.limits = limits_of(listener.profile);
  section.text_list(
      "trusted_proxies", "expected networks such as \"10.0.0.0/16\"",
      [&](const toml::node& element, std::string_view text) {
        const Result<Network> network = parse_network(text);
        if (!network) {
          return section.wrong("trusted_proxies", element, network.error().detail);
        }
        listener.trusted_proxies.push_back(*network);
      },
      true);
  section.choice("server_timing", listener.server_timing, kServerTimings);
  section.table("limits", [&](Section& limits) { read_limits(limits, listener.limits); });
  config.listeners.push_back(std::move(listener));
}

void read_env(Section& section, WorkersConfig& workers) {
  for (const auto& [key, node] : section.raw()) {
    section.find(key.str());
    const auto* text = node.as_string();
    if (text == nullptr || key.str().empty() || key.str().find('=') != std::string_view::npos) {
      section.wrong(printable(key.str()), node, "expected NAME = \"text\"");
      continue;
    }
    workers.env.emplace_back(key.str(), text->get());
  }
}

void read_workers(Section& section, WorkersConfig& workers) {
  section.required("command");
  section.text_list(
      "command", "expected the program and its arguments, [\"/usr/bin/node\", \"server.js\"]",
      [&](const toml::node&, std::string_view text) { workers.command.emplace_back(text); });
  section.integer("count", workers.count, 0, 256);
  section.list(
      "cpus", "expected a list of CPU numbers",
      [&](const toml::node& element) {
        const auto* cpu = element.as_integer();
        if (cpu == nullptr || cpu->get() < 0 || cpu->get() > 1023) {
          return section.wrong("cpus", element, "expected a CPU number from 0 to 1023");
        }
        workers.cpus.push_back(static_cast<std::uint32_t>(cpu->get()));
      },
      true);
  section.choice("protocol", workers.protocol, kProtocols);
  section.table("env", [&](Section& env) { read_env(env, workers); });
  section.text("directory", workers.directory);
  section.text("user", workers.user);
  section.duration("ready_timeout", workers.ready_timeout, 100ms, 1h);
  section.duration("backoff_min", workers.backoff_min, 1ms, 1h);
  section.duration("backoff_max", workers.backoff_max, 1ms, 1h);
  section.integer("crash_loop_count", workers.crash_loop_count, 1, 1000);
  section.duration("crash_loop_window", workers.crash_loop_window, 1s, 24h);
}

void read_upstream(Section& section, Config& config) {
  UpstreamConfig upstream;
  upstream.place = section.place();
  section.required("name");
  section.text("name", upstream.name);
  const bool has_workers = section.raw().contains("workers");
  const bool has_endpoints = section.raw().contains("endpoints");
  if (has_workers == has_endpoints) {
    section.messages().error(section.place(), "upstream",
                             has_workers ? "has workers and endpoints; make it two upstreams"
                                         : "has neither workers nor endpoints");
  }
  section.table("workers",
                [&](Section& workers) { read_workers(workers, upstream.workers.emplace()); });
  section.text_list("endpoints",
                    "expected endpoints such as \"10.0.3.7:8080\", \"unix:/run/app.sock\"",
                    [&](const toml::node& element, std::string_view text) {
                      Result<ConfigAddress> address = parse_config_address(text);
                      if (!address) {
                        return section.wrong("endpoints", element, address.error().detail);
                      }
                      upstream.endpoints.push_back({std::move(*address), place_of(element)});
                    });
  section.choice("balancer", upstream.balancer, kBalancers);
  section.duration("connect_timeout", upstream.connect_timeout, 1ms, 10min);
  section.integer("in_flight_max", upstream.in_flight_max, 1, 1'000'000);
  section.integer("idle_connections", upstream.idle_connections, 0, 10'000);
  section.duration("idle_timeout", upstream.idle_timeout, 100ms, 1h);
  section.integer("retries", upstream.retries, 0, 1);
  config.upstreams.push_back(std::move(upstream));
}

void read_budget(Section& section, BudgetConfig& budget) {
  budget.place = section.place();
  // By key, not by value: what stands there and is wrong is told once.
  constexpr std::array<std::string_view, 4> kPromises = {"p50", "p99", "p999", "deadline"};
  if (std::ranges::none_of(kPromises,
                           [&](std::string_view key) { return section.raw().contains(key); })) {
    section.messages().error(section.place(), "route.budget",
                             "states nothing: give p50, p99, p999 or deadline");
  }
  section.duration("p50", budget.p50, 1us, 1h);
  section.duration("p99", budget.p99, 1us, 1h);
  section.duration("p999", budget.p999, 1us, 1h);
  section.duration("deadline", budget.deadline, 1ms, 1h);
  section.integer("rate", budget.rate, 1, 100'000'000);
}

void read_route(Section& section, Config& config) {
  RouteConfig route;
  route.place = section.place();
  section.text("host", route.host);
  section.text("path", route.path);
  if (section.required("upstream")) {
    route.upstream_place = place_of(*section.raw().get("upstream"));
  }
  section.text("upstream", route.upstream);
  section.size("body_limit", route.body_bytes, 0, std::size_t{1} << 40);
  section.duration("response_header_timeout", route.response_header_timeout, 1ms, 24h);
  section.duration("between_bytes_timeout", route.between_bytes_timeout, 1ms, 24h);
  section.duration("total_timeout", route.total_timeout, 1ms, 24h);
  section.table("budget", [&](Section& budget) { read_budget(budget, route.budget.emplace()); });
  config.routes.push_back(std::move(route));
}

// The whole file, or nothing and an error that says why.
std::optional<std::string> read_file(const std::string& path, ConfigMessages& messages) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  int trouble = fd.get() < 0 ? errno : 0;
  while (trouble == 0) {
    const std::size_t before = text.size();
    text.resize(before + 16'384);
    const ssize_t count = ::read(fd.get(), text.data() + before, 16'384);
    text.resize(before + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count < 0 && errno != EINTR) {
      trouble = errno;
    } else if (text.size() > kFileBytesMax) {
      trouble = EFBIG;
    } else if (count == 0) {
      break;
    }
  }
  if (trouble != 0) {
    messages.error({}, "",
                   std::string("cannot be read: ") + strerrordesc_np(trouble) + " (" +
                       strerrorname_np(trouble) + "); give the right file with --config");
    return std::nullopt;
  }
  return text;
}

}  // namespace

Config read_config(std::string_view toml, std::string_view file, ConfigMessages& messages) {
  Config config;
  config.file = std::string(file);
  const std::optional<toml::table> root = parse_toml(toml, file, messages);
  if (!root) {
    return config;
  }
  Section section(*root, "", messages);
  section.table("server", [&](Section& server) { read_server(server, config.server); });
  section.table("log", [&](Section& log) {
    log.choice("requests", config.log.requests, kRequestLogs);
    log.size("ring", config.log.ring_bytes, 64 << 10, 64 << 20);
  });
  section.table("admin", [&](Section& admin) {
    config.admin.place = admin.place();
    admin.required("address");
    admin.parsed("address", config.admin.address, parse_config_address, kListenAddress);
    admin.boolean("allow_public", config.admin.allow_public);
  });
  for (const char* stray : {"budget", "budgets"}) {
    if (const toml::node* node = section.find(stray)) {
      messages.error(place_of(*node), stray,
                     "a budget belongs to a route: write budget = { ... } under its [[route]]");
    }
  }
  section.tables("listener", [&](Section& listener) { read_listener(listener, config); });
  section.tables("upstream", [&](Section& upstream) { read_upstream(upstream, config); });
  section.tables("route", [&](Section& route) { read_route(route, config); });
  section.finish();
  return config;
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::optional<Config> load_config(const std::string& path, const Environment& environment,
                                  ConfigMessages& messages) {
  const std::optional<std::string> text = read_file(path, messages);
  if (!text) {
    return std::nullopt;
  }
  std::optional<Config> config = read_config(*text, path, messages);
  const bool readable = !messages.has_errors();
  apply_environment(*config, environment, messages);
  const bool syntax_error =
      !readable && config->listeners.empty() && config->routes.empty() && config->upstreams.empty();
  if (!syntax_error) {
    check_config(*config, messages);
  }
  if (messages.has_errors()) {
    config.reset();
  }
  return config;
}

}  // namespace sk::lb
