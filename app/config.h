// Config of an application: defaults, then the TOML file, then the environment, then the command
// line.
//
// Everything has a default: an application starts without a file, a database or a Redis. Reading
// lives in config_toml.cpp (which alone knows toml++) and config_environment.cpp; checking and the
// list of settings in config.cpp. All mistakes are reported together, each with its place.
#pragma once

#include "net/core/time.h"
#include "net/io/loop.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sk::app {

enum class RequestLog : std::uint8_t { both, completed, errors, off };

struct DatabaseConfig {
  // postgres://…, or libpq's "host=… dbname=…"; empty: the PG* variables, if they are set.
  std::string url;
  bool enabled = false;
  // Whether the service is fit without it. If so, a database that is not configured, or wrongly, or
  // does not answer, never ends the process: it is said in one line, and health is 503.
  bool required = false;
  std::string trouble;  // why a required one cannot be used as configured; empty: it can be tried
  // PEM file with the authorities of the database's certificate. Where one is given (here or in
  // PGSSLROOTCERT) and nobody has chosen a mode, a database elsewhere is verified in full.
  std::string tls_ca;
  // Shared pipelined connections per process; 1-16. With a worker per core, one each is what a
  // server on as many cores serves fastest; more help where slow statements hold up quick ones.
  std::uint32_t lanes = 1;
  std::uint32_t in_flight_max = 64;  // statements sent and unanswered per lane
  std::uint32_t queue_max = 256;     // statements waiting per lane; beyond it 503 at once
  Duration statement_timeout = std::chrono::seconds(5);  // the server's own limit, per statement
  Duration connect_timeout = std::chrono::seconds(3);
};

struct RedisConfig {
  std::string url;  // redis://[user:password@]host[:port][/db], rediss:// for TLS, unix:///path
  bool enabled = false;
  bool required = false;  // as for the database
  std::string trouble;
  Duration command_timeout =
      std::chrono::milliseconds(100);  // then a request goes on without Redis
  Duration connect_timeout = std::chrono::seconds(1);
  std::string tls_ca;  // PEM file with the authorities of rediss://; empty: the system's
};

struct CacheConfig {
  Duration ttl = std::chrono::seconds(60);
  Duration negative_ttl = std::chrono::seconds(3);  // for "there is no such row"
  std::size_t loads_max = 64;                       // keys being loaded at once; beyond it 503
};

struct Config {
  std::string listen = "0.0.0.0:7500";  // when it runs alone; "unix:/path" for a Unix socket
  IoChoice io = IoChoice::automatic;
  RequestLog log_requests = RequestLog::both;        // when it runs alone; else the balancer logs
  Duration stop_timeout = std::chrono::seconds(30);  // from SIGTERM to the end at the latest
  Duration request_deadline = std::chrono::seconds(15);  // for requests that bring none
  std::size_t body_limit_bytes = 1024 * 1024;        // of a body that is read whole; beyond it 413
  std::size_t connections_max = 4096;                // when it runs alone
  Duration idle_timeout = std::chrono::seconds(75);  // between requests, when it runs alone
  // Where a balancer started the process and said how much memory is meant for it, a quarter of
  // that instead; and of buffers, as many as make a sixteenth.
  std::size_t bodies_max_bytes = 64U << 20;  // of bodies held whole at once; beyond it 503
  std::size_t buffers = 1024;                // of 16 KiB, 64 to 32768; touched only when used
  DatabaseConfig database;
  RedisConfig redis;
  CacheConfig cache;
  std::map<std::string, std::string> settings;  // [settings]: the application's own, as text
};

// One mistake; line and column are 0 where it came from elsewhere than a file.
struct ConfigMessage {
  std::string source;  // "app.toml", "environment SIDEKICK_IO", "command line"
  std::size_t line = 0;
  std::size_t column = 0;
  std::string text;
  std::string setting;  // "database.url"; empty where it is about none
};

// "app.toml:3:9: database.lanes: expected ..., and so on, one line each.
[[nodiscard]] std::string format(const std::vector<ConfigMessage>& messages);

// The value of a variable, or nullptr: getenv, or a test's own.
using Environment = std::function<const char*(const char*)>;

struct ConfigResult {
  Config config;
  std::vector<ConfigMessage> mistakes;  // empty: config is good
};

// file: path of the TOML file, or empty for none. Never throws for what a user wrote.
[[nodiscard]] ConfigResult load_config(const std::string& file, const Environment& environment);
// The same for text that is already here; source names it in messages.
[[nodiscard]] ConfigResult read_config(std::string_view toml, const std::string& source,
                                       const Environment& environment);

// "host:port", "[::1]:7500" or "unix:/path". What is wrong with it; empty if nothing.
[[nodiscard]] std::string check_listen(std::string_view text);

[[nodiscard]] std::string_view to_string(RequestLog requests);

// Every setting with its value, as TOML or JSON; of URLs only whether there is one.
[[nodiscard]] std::string print_settings(const Config& config, bool json);

}  // namespace sk::app
