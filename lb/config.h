// Config is what sidekick.toml says, with every default filled in: a struct one can read.
//
// Made by config_toml.h (syntax, names, types), judged by config_check.h (what fits together), and
// immutable from then on. Sizes are bytes, durations are Duration; zero never means "unlimited"
// unless its comment says so.
#pragma once

#include "net/core/time.h"
#include "net/http/limits.h"
#include "net/io/loop.h"

#include "lb/config_address.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sk::lb {

using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Where something stands in the file, for messages. Line 0: it is a default or from the
// environment.
struct ConfigPlace {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct ServerConfig {
  Duration stop_timeout = 30s;  // What the platform grants between SIGTERM and SIGKILL.
  // From SIGTERM to our own end at the latest. 0: eleven twelfths of stop_timeout. See drain.h.
  Duration drain_timeout{0};
  std::uint32_t threads = 0;  // Data threads. 0: one per core or two, see sizing.h.
  IoChoice io = IoChoice::automatic;
  // Client connections, and buffers of 16 KiB per thread (touched only when used). 0: as
  // descriptors and memory allow; the rule stands in sizing.h, what became of it in the line
  // "started".
  std::uint32_t connections_max = 0;
  std::uint32_t buffers = 0;
  // Requests that bring it as Sidekick-Timing get a Server-Timing field with their stages. Empty:
  // none do.
  std::string timing_secret;
};

enum class RequestLog : std::uint8_t { both, completed, errors, off };

struct LogConfig {
  RequestLog requests = RequestLog::both;
  std::size_t ring_bytes = 1U << 20;  // Per thread. Lines beyond it are dropped and counted.
};

// Metrics and health for operators. Off without an address.
struct AdminConfig {
  std::optional<ConfigAddress> address;  // Loopback or a Unix socket ...
  bool allow_public = false;  // ... unless this says that the network around it is trusted.
  ConfigPlace place;
};

// What one downstream connection may ask for. Defaults are those of the edge profile.
struct LimitsConfig {
  H1Limits h1;  // sizes; body_bytes is the route's
  std::uint32_t requests_per_connection = 10'000;
  Duration tls_handshake_timeout = 10s;
  Duration header_timeout = 10s;  // from the first byte of a request to the end of its head
  Duration body_idle_timeout = 10s;
  std::uint32_t body_min_bytes_per_s = 240;  // average of a body after body_idle_timeout
  Duration write_stall_timeout = 30s;        // a client that takes nothing of what is there for it
  Duration idle_timeout = 75s;               // between requests; must exceed an ALB's 60 s
  std::size_t output_buffer_bytes = 256 << 10;  // waiting for a slow client; less where memory is
};

// Starting values for LimitsConfig.
enum class Profile : std::uint8_t {
  edge,        // clients connect from the internet
  behind_alb,  // header sizes as an AWS ALB lets through, its patience, connections without end
};

// Who gets a Server-Timing field, which tells where a request's time went.
enum class ServerTiming : std::uint8_t {
  off,       // nobody
  secret,    // who brings server.timing_secret
  loopback,  // these, and clients on this machine: not where a proxy here brings requests of others
};

struct CertificateConfig {
  std::string cert;  // PEM file: the certificate, then its chain
  std::string key;   // PEM file
  ConfigPlace place;
};

struct ListenerTlsConfig {
  std::vector<CertificateConfig> certificates;
};

struct ListenerConfig {
  ConfigAddress address;
  std::optional<ListenerTlsConfig> tls;  // cleartext without
  // Answers 308 to https with this port; 0 serves plain requests.
  std::uint16_t redirect_https = 0;
  Profile profile = Profile::edge;
  // Peers whose X-Forwarded-* are believed. Everyone else's are replaced.
  std::vector<Network> trusted_proxies;
  ServerTiming server_timing = ServerTiming::secret;
  LimitsConfig limits;
  ConfigPlace place;
};

enum class WorkerProtocol : std::uint8_t {
  link,   // a program built on Sidekick's runtime
  http1,  // any HTTP server: it gets PORT
};

// Processes that this balancer starts, watches and replaces.
struct WorkersConfig {
  std::vector<std::string> command;  // program and arguments; no shell
  std::uint32_t count = 0;           // 0: one per core the process may use
  std::vector<std::uint32_t> cpus;   // worker i runs on cpus[i % size]; empty: anywhere
  WorkerProtocol protocol = WorkerProtocol::link;
  std::vector<std::pair<std::string, std::string>> env;
  std::string directory;  // working directory; empty: the balancer's
  // Where the balancer is root. Empty: "sidekick" if there is such a user, else "nobody"; if that
  // user cannot reach the program, root, with a warning. A name given here is kept to strictly.
  std::string user;
  Duration ready_timeout = 30s;  // from its start to its first sign of readiness
  Duration backoff_min = 100ms;  // before a replacement; doubles with each early end
  Duration backoff_max = 30s;
  std::uint32_t crash_loop_count = 5;  // so many early ends of one worker within ...
  Duration crash_loop_window = 60s;    // ... this time: it is then tried only every backoff_max
};

struct EndpointConfig {
  ConfigAddress address;
  ConfigPlace place;
};

enum class BalancerPolicy : std::uint8_t { least_request };

struct UpstreamConfig {
  std::string name;
  std::optional<WorkersConfig> workers;   // either these ...
  std::vector<EndpointConfig> endpoints;  // ... or these
  BalancerPolicy balancer = BalancerPolicy::least_request;
  Duration connect_timeout = 1s;
  std::uint32_t in_flight_max = 1024;  // per endpoint, over all threads; beyond: the next, then 503
  std::uint32_t idle_connections = 64;  // kept per endpoint and thread
  Duration idle_timeout = 45s;          // we close first: below any server's keep-alive
  std::uint32_t retries = 1;            // further attempts, each on another endpoint; 0 or 1
  ConfigPlace place;
};

// What latency the route promises. The deadline is enforced; every request is measured against the
// rest, in the log and in metrics. Checked by the benchmark suite, turned into alarms by Terraform.
// docs/latency-budgets.md explains it to operators.
struct BudgetConfig {
  std::optional<Duration> p50;
  std::optional<Duration> p99;
  std::optional<Duration> p999;
  std::optional<Duration> deadline;   // enforced: the request ends with 504 there
  std::optional<std::uint32_t> rate;  // requests per second the budget is meant for
  ConfigPlace place;
};

struct RouteConfig {
  std::string host;         // "api.example.com", "*.example.com", or empty for every host
  std::string path = "/*";  // "/v1/*": everything that begins with /v1/; otherwise exact
  std::string upstream;
  std::size_t body_bytes = 8 << 20;  // request body; beyond: 413
  Duration response_header_timeout =
      15s;  // from the last request byte, or the head's, to the answer
  Duration between_bytes_timeout = 60s;
  Duration total_timeout = 300s;
  std::optional<BudgetConfig> budget;
  ConfigPlace place;
  ConfigPlace upstream_place;
};

struct Config {
  std::string file;  // as given, for messages
  ServerConfig server;
  LogConfig log;
  AdminConfig admin;
  std::vector<ListenerConfig> listeners;
  std::vector<UpstreamConfig> upstreams;
  std::vector<RouteConfig> routes;
};

// The profile's starting values.
LimitsConfig limits_of(Profile profile);

}  // namespace sk::lb
