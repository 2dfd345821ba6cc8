#include "lb/config_print.h"

#include "net/core/json_text.h"
#include "net/core/units.h"

#include "lb/config_environment.h"
#include "lb/drain_plan.h"

#include <charconv>
#include <string_view>
#include <vector>

namespace sk::lb {
namespace {

// The shape both forms share: the walk below tells a printer what there is.
class Printer {
 public:
  virtual ~Printer() = default;
  virtual void begin_section(std::string_view name) = 0;       // [name]
  virtual void begin_list_section(std::string_view name) = 0;  // one [[name]]; they come in a row
  virtual void end_section() = 0;
  virtual void begin_table(std::string_view name) = 0;  // name = { ... }
  virtual void end_table() = 0;
  virtual void begin_list(std::string_view name) = 0;
  virtual void end_list() = 0;
  virtual void begin_element() = 0;  // a table in a list
  virtual void end_element() = 0;
  virtual void text(std::string_view name, std::string_view value) = 0;  // name empty: in a list
  virtual void number(std::string_view name, std::uint64_t value) = 0;
  virtual void boolean(std::string_view name, bool value) = 0;
  virtual void duration(std::string_view name, Duration value) = 0;
  virtual void size(std::string_view name, std::size_t value) = 0;
};

class TomlPrinter final : public Printer {
 public:
  std::string out;

  void begin_section(std::string_view name) override { heading("[", name, "]"); }
  void begin_list_section(std::string_view name) override { heading("[[", name, "]]"); }
  void end_section() override {}
  void begin_table(std::string_view name) override { open(name, "{ "); }
  void end_table() override { close(" }"); }
  void begin_list(std::string_view name) override { open(name, "["); }
  void end_list() override { close("]"); }
  void begin_element() override { open({}, "{ "); }
  void end_element() override { close(" }"); }

  void text(std::string_view name, std::string_view value) override {
    begin_value(name);
    append_json_string(out, value);
    end_value();
  }
  void number(std::string_view name, std::uint64_t value) override {
    begin_value(name);
    out += std::to_string(value);
    end_value();
  }
  void boolean(std::string_view name, bool value) override {
    begin_value(name);
    out += value ? "true" : "false";
    end_value();
  }
  void duration(std::string_view name, Duration value) override {
    text(name, format_duration(value));
  }
  void size(std::string_view name, std::size_t value) override { text(name, format_size(value)); }

 private:
  void heading(std::string_view open, std::string_view name, std::string_view close) {
    out += out.empty() ? "" : "\n";
    out.append(open).append(name).append(close).append("\n");
  }
  // Bare where TOML allows it.
  void key(std::string_view name) {
    bool bare = true;
    for (const char byte : name) {
      bare = bare && ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') || byte == '_' || byte == '-');
    }
    if (bare) {
      out += name;
    } else {
      append_json_string(out, name);
    }
  }
  void begin_value(std::string_view name) {
    if (!first_.empty()) {
      out += first_.back() ? "" : ", ";
      first_.back() = false;
    }
    if (!name.empty()) {
      key(name);
      out += " = ";
    }
  }
  void end_value() { out += first_.empty() ? "\n" : ""; }
  void open(std::string_view name, std::string_view bracket) {
    begin_value(name);
    out += bracket;
    first_.push_back(true);
  }
  void close(std::string_view bracket) {
    out += bracket;
    first_.pop_back();
    end_value();
  }

  std::vector<bool> first_;  // of each open bracket: has it no element yet?
};

class JsonPrinter final : public Printer {
 public:
  JsonPrinter() : out("{") {}
  std::string out;

  void begin_section(std::string_view name) override {
    leave_list();
    open(name, '{');
  }
  void begin_list_section(std::string_view name) override {
    if (list_ != name) {
      leave_list();
      open(name, '[');
      list_ = name;
    }
    open({}, '{');
  }
  void end_section() override { close('}'); }
  void begin_table(std::string_view name) override { open(name, '{'); }
  void end_table() override { close('}'); }
  void begin_list(std::string_view name) override { open(name, '['); }
  void end_list() override { close(']'); }
  void begin_element() override { open({}, '{'); }
  void end_element() override { close('}'); }

  void text(std::string_view name, std::string_view value) override {
    key(name);
    append_json_string(out, value);
  }
  void number(std::string_view name, std::uint64_t value) override {
    key(name);
    out += std::to_string(value);
  }
  void boolean(std::string_view name, bool value) override {
    key(name);
    out += value ? "true" : "false";
  }
  void duration(std::string_view name, Duration value) override {
    key(std::string(name) + "_ms");
    char digits[32];
    const double ms = static_cast<double>(value.count()) / 1e6;
    out.append(digits, std::to_chars(digits, std::end(digits), ms).ptr);
  }
  void size(std::string_view name, std::size_t value) override {
    key(std::string(name) + "_bytes");
    out += std::to_string(value);
  }

  std::string finish() {
    leave_list();
    close('}');
    out += "\n";
    return std::move(out);
  }

 private:
  void key(std::string_view name) {
    if (out.back() != '{' && out.back() != '[') {
      out += ',';
    }
    if (!name.empty()) {
      append_json_string(out, name);
      out += ':';
    }
  }
  void open(std::string_view name, char bracket) {
    key(name);
    out += bracket;
  }
  void close(char bracket) { out += bracket; }
  void leave_list() {
    if (!list_.empty()) {
      close(']');
      list_.clear();
    }
  }

  std::string list_;  // name of the list of sections that is open
};

std::string_view name_of(Profile profile) {
  return profile == Profile::edge ? "edge" : "behind-alb";
}

std::string_view name_of(ServerTiming timing) {
  return timing == ServerTiming::off        ? "off"
         : timing == ServerTiming::loopback ? "loopback"
                                            : "secret";
}

// In the place of a secret. Too short to be one, so that nobody can run with it by mistake.
constexpr std::string_view kHidden = "(hidden)";

std::string_view name_of(IoChoice io) {
  return io == IoChoice::uring ? "uring" : io == IoChoice::epoll ? "epoll" : "auto";
}

void print_limits(Printer& to, const LimitsConfig& limits) {
  to.begin_table("limits");
  to.size("request_line", limits.h1.request_line_bytes);
  to.size("header_field", limits.h1.header_field_bytes);
  to.size("header_total", limits.h1.header_total_bytes);
  to.number("header_fields", limits.h1.header_fields);
  to.size("trailer_total", limits.h1.trailer_total_bytes);
  to.number("requests_per_connection", limits.requests_per_connection);
  to.duration("tls_handshake_timeout", limits.tls_handshake_timeout);
  to.duration("header_timeout", limits.header_timeout);
  to.duration("body_idle_timeout", limits.body_idle_timeout);
  to.number("body_min_bytes_per_s", limits.body_min_bytes_per_s);
  to.duration("write_stall_timeout", limits.write_stall_timeout);
  to.duration("idle_timeout", limits.idle_timeout);
  to.size("output_buffer", limits.output_buffer_bytes);
  to.end_table();
}

void print_tls(Printer& to, const ListenerTlsConfig& tls) {
  to.begin_table("tls");
  to.begin_list("certificates");
  for (const CertificateConfig& certificate : tls.certificates) {
    to.begin_element();
    to.text("cert", certificate.cert);
    to.text("key", certificate.key);
    to.end_element();
  }
  to.end_list();
  to.end_table();
}

void print_listener(Printer& to, const ListenerConfig& listener) {
  to.begin_list_section("listener");
  to.text("address", to_string(listener.address));
  if (listener.tls) {
    print_tls(to, *listener.tls);
  }
  if (listener.redirect_https != 0) {
    to.number("redirect_https", listener.redirect_https);
  } else {
    to.boolean("redirect_https", false);
  }
  to.text("profile", name_of(listener.profile));
  to.begin_list("trusted_proxies");
  for (const Network& network : listener.trusted_proxies) {
    to.text({}, to_string(network));
  }
  to.end_list();
  to.text("server_timing", name_of(listener.server_timing));
  print_limits(to, listener.limits);
  to.end_section();
}

void print_workers(Printer& to, const WorkersConfig& workers) {
  to.begin_table("workers");
  to.begin_list("command");
  for (const std::string& argument : workers.command) {
    to.text({}, argument);
  }
  to.end_list();
  to.number("count", workers.count);
  to.begin_list("cpus");
  for (const std::uint32_t cpu : workers.cpus) {
    to.number({}, cpu);
  }
  to.end_list();
  to.text("protocol", workers.protocol == WorkerProtocol::link ? "link" : "http1");
  to.begin_table("env");
  for (const auto& [name, value] : workers.env) {
    to.text(name, value);
  }
  to.end_table();
  to.text("directory", workers.directory);
  to.text("user", workers.user);
  to.duration("ready_timeout", workers.ready_timeout);
  to.duration("backoff_min", workers.backoff_min);
  to.duration("backoff_max", workers.backoff_max);
  to.number("crash_loop_count", workers.crash_loop_count);
  to.duration("crash_loop_window", workers.crash_loop_window);
  to.end_table();
}

void print_upstream(Printer& to, const UpstreamConfig& upstream) {
  to.begin_list_section("upstream");
  to.text("name", upstream.name);
  if (upstream.workers) {
    print_workers(to, *upstream.workers);
  } else {
    to.begin_list("endpoints");
    for (const EndpointConfig& endpoint : upstream.endpoints) {
      to.text({}, to_string(endpoint.address));
    }
    to.end_list();
  }
  to.text("balancer", "least_request");
  to.duration("connect_timeout", upstream.connect_timeout);
  to.number("in_flight_max", upstream.in_flight_max);
  to.number("idle_connections", upstream.idle_connections);
  to.duration("idle_timeout", upstream.idle_timeout);
  to.number("retries", upstream.retries);
  to.end_section();
}

void print_budget(Printer& to, const BudgetConfig& budget) {
  const auto stated = [&to](std::string_view name, const std::optional<Duration>& value) {
    if (value) {
      to.duration(name, *value);
    }
  };
  to.begin_table("budget");
  stated("p50", budget.p50);
  stated("p99", budget.p99);
  stated("p999", budget.p999);
  stated("deadline", budget.deadline);
  if (budget.rate) {
    to.number("rate", *budget.rate);
  }
  to.end_table();
}

void print_route(Printer& to, const RouteConfig& route) {
  to.begin_list_section("route");
  if (!route.host.empty()) {
    to.text("host", route.host);
  }
  to.text("path", route.path);
  to.text("upstream", route.upstream);
  to.size("body_limit", route.body_bytes);
  to.duration("response_header_timeout", route.response_header_timeout);
  to.duration("between_bytes_timeout", route.between_bytes_timeout);
  to.duration("total_timeout", route.total_timeout);
  if (route.budget) {
    print_budget(to, *route.budget);
  }
  to.end_section();
}

void print(Printer& to, const Config& config) {
  to.begin_section("server");
  to.duration("stop_timeout", config.server.stop_timeout);
  to.duration("drain_timeout", drain_timeout(config.server));
  to.number("threads", config.server.threads);
  to.text("io", name_of(config.server.io));
  to.number("connections_max", config.server.connections_max);
  to.number("buffers", config.server.buffers);
  if (!config.server.timing_secret.empty()) {
    to.text("timing_secret", kHidden);
  }
  to.end_section();
  to.begin_section("log");
  to.text("requests", to_string(config.log.requests));
  to.size("ring", config.log.ring_bytes);
  to.end_section();
  if (config.admin.address) {
    to.begin_section("admin");
    to.text("address", to_string(*config.admin.address));
    to.boolean("allow_public", config.admin.allow_public);
    to.end_section();
  }
  for (const ListenerConfig& listener : config.listeners) {
    print_listener(to, listener);
  }
  for (const UpstreamConfig& upstream : config.upstreams) {
    print_upstream(to, upstream);
  }
  for (const RouteConfig& route : config.routes) {
    print_route(to, route);
  }
}

}  // namespace

std::string print_toml(const Config& config) {
  TomlPrinter printer;
  print(printer, config);
  return std::move(printer.out);
}

std::string print_json(const Config& config) {
  JsonPrinter printer;
  print(printer, config);
  return printer.finish();
}

}  // namespace sk::lb
