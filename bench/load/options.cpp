#include "bench/load/options.h"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sk::bench {
namespace {

constexpr const char* kUsage =
    "usage: sidekick-bench-load --target IP:PORT|unix:PATH --body TEXT [--path /] [--host NAME]\n"
    "         [--connections 1..4096] [--seconds S] [--warmup S] [--requests N]\n"
    "         [--rate PER_SECOND [--poisson] [--seed N]] [--timeout S] [--tls]\n"
    "         [--cpu NAME=PID[,PID...]]...\n"
    "       sidekick-bench-load --quantiles-of-stdin   (nanoseconds, one a line)\n"
    "Closed loop unless --rate is given. Prints one line of JSON. Exit code: 0 no error seen,\n"
    "1 some answers were wrong or missing, 2 the run did not take place.\n";

bool complain(const char* option, const char* text, const char* expected) {
  std::fprintf(stderr, "load: %s '%s': expected %s\n", option, text, expected);
  return false;
}

bool parse_number(const char* option, const char* text, double low, double high, double& out) {
  char* end = nullptr;
  out = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(out >= low && out <= high)) {
    std::fprintf(stderr, "load: %s '%s': expected a number from %g to %g\n", option, text, low,
                 high);
    return false;
  }
  return true;
}

bool parse_watched(const char* text, std::vector<WatchedProcess>& out) {
  const std::string_view all = text;
  const std::size_t equals = all.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return complain("--cpu", text, "NAME=PID[,PID...]");
  }
  const std::string name(all.substr(0, equals));
  const char* cursor = text + equals + 1;
  for (;;) {
    char* end = nullptr;
    const long pid = std::strtol(cursor, &end, 10);
    if (end == cursor || pid <= 0 || (*end != ',' && *end != '\0')) {
      return complain("--cpu", text, "NAME=PID[,PID...]");
    }
    out.push_back({name, static_cast<pid_t>(pid)});
    if (*end == '\0') {
      return true;
    }
    cursor = end + 1;
  }
}

enum Option : int {
  kTarget = 1,
  kPath,
  kHost,
  kBody,
  kConnections,
  kSeconds,
  kWarmup,
  kRequests,
  kRate,
  kPoisson,
  kSeed,
  kTimeout,
  kTls,
  kCpu,
  kQuantiles
};

const option kOptions[] = {
    {"target", required_argument, nullptr, kTarget},
    {"path", required_argument, nullptr, kPath},
    {"host", required_argument, nullptr, kHost},
    {"body", required_argument, nullptr, kBody},
    {"connections", required_argument, nullptr, kConnections},
    {"seconds", required_argument, nullptr, kSeconds},
    {"warmup", required_argument, nullptr, kWarmup},
    {"requests", required_argument, nullptr, kRequests},
    {"rate", required_argument, nullptr, kRate},
    {"poisson", no_argument, nullptr, kPoisson},
    {"seed", required_argument, nullptr, kSeed},
    {"timeout", required_argument, nullptr, kTimeout},
    {"tls", no_argument, nullptr, kTls},
    {"cpu", required_argument, nullptr, kCpu},
    {"quantiles-of-stdin", no_argument, nullptr, kQuantiles},
    {nullptr, 0, nullptr, 0},
};

}  // namespace

bool parse_options(int argc, char** argv, LoadOptions& o) {
  bool ok = true;
  double number = 0;
  for (int code = 0; ok && (code = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (code) {
      case kTarget:
        o.target = optarg;
        break;
      case kPath:
        o.path = optarg;
        break;
      case kHost:
        o.host = optarg;
        break;
      case kBody:
        o.body = optarg;
        break;
      case kConnections:
        ok = parse_number("--connections", optarg, 1, 4096, number);
        o.connections = static_cast<unsigned>(number);
        break;
      case kSeconds:
        ok = parse_number("--seconds", optarg, 0.01, 3600, o.seconds);
        break;
      case kWarmup:
        ok = parse_number("--warmup", optarg, 0, 60, o.warmup_seconds);
        break;
      case kRequests:
        ok = parse_number("--requests", optarg, 1, 1e12, number);
        o.requests = static_cast<std::uint64_t>(number);
        break;
      case kRate:
        ok = parse_number("--rate", optarg, 1, 1e7, o.rate);
        break;
      case kPoisson:
        o.poisson = true;
        break;
      case kSeed:
        ok = parse_number("--seed", optarg, 0, 9e15, number);
        o.seed = static_cast<std::uint64_t>(number);
        break;
      case kTimeout:
        ok = parse_number("--timeout", optarg, 0.01, 600, o.timeout_seconds);
        break;
      case kTls:
        o.tls = true;
        break;
      case kCpu:
        ok = parse_watched(optarg, o.watched);
        break;
      case kQuantiles:
        o.quantiles_of_stdin = true;
        break;
      default:
        ok = false;
        break;
    }
  }
  if (ok && optind < argc) {
    ok = complain("argument", argv[optind], "options only");
  }
  if (ok && o.target.empty() && !o.quantiles_of_stdin) {
    std::fprintf(stderr, "load: --target is missing\n");
    ok = false;
  }
  if (!ok) {
    std::fputs(kUsage, stderr);
  }
  return ok;
}

}  // namespace sk::bench
