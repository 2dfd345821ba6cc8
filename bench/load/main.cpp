// sidekick-bench-load: one load against one target, one line of JSON. See options.cpp for its
// options.

#include "bench/load/generator.h"
#include "bench/load/options.h"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

namespace {

using sk::bench::LoadOptions;
using sk::bench::Target;

bool resolve(const std::string& text, Target& target) {
  if (text.starts_with("unix:")) {
    auto* address = reinterpret_cast<sockaddr_un*>(&target.address);
    const std::string path = text.substr(5);
    if (path.empty() || path.size() >= sizeof address->sun_path) {
      std::fprintf(stderr, "load: --target '%s': the path must have 1 to 107 bytes\n",
                   text.c_str());
      return false;
    }
    address->sun_family = AF_UNIX;
    std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
    target.address_length = sizeof *address;
    return true;
  }
  const std::size_t colon = text.rfind(':');
  auto* address = reinterpret_cast<sockaddr_in*>(&target.address);
  address->sin_family = AF_INET;
  const long port =
      colon == std::string::npos ? 0 : std::strtol(text.c_str() + colon + 1, nullptr, 10);
  if (port < 1 || port > 65535 ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address->sin_addr) != 1) {
    std::fprintf(stderr, "load: --target '%s': expected IP:PORT (IPv4) or unix:PATH\n",
                 text.c_str());
    return false;
  }
  address->sin_port = htons(static_cast<std::uint16_t>(port));
  target.address_length = sizeof *address;
  return true;
}

void print_quantiles(const sk::bench::LatencyHistogram& h) {
  std::printf(
      "{\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f, \"mean\": "
      "%.3f}",
      static_cast<double>(h.quantile(0.5)) / 1e3, static_cast<double>(h.quantile(0.9)) / 1e3,
      static_cast<double>(h.quantile(0.99)) / 1e3, static_cast<double>(h.quantile(0.999)) / 1e3,
      static_cast<double>(h.max()) / 1e3, h.mean() / 1e3);
}

int quantiles_of_stdin() {
  sk::bench::LatencyHistogram histogram;
  for (std::uint64_t value = 0; std::cin >> value;) {
    histogram.record(value);
  }
  std::printf("{\"count\": %llu, \"latency_us\": ",
              static_cast<unsigned long long>(histogram.count()));
  print_quantiles(histogram);
  std::printf("}\n");
  return std::cin.eof() ? 0 : 2;
}

void print(const LoadOptions& options, const sk::bench::Tally& tally,
           const sk::bench::RunResult& result) {
  const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  const sk::bench::ErrorCounts& e = tally.errors;
  const std::uint64_t requests = tally.latency.count();
  std::printf(
      "{\"requests\": %llu, \"total\": %llu, \"seconds\": %.6f, \"rate\": %.1f, \"wanted_rate\": "
      "%.1f",
      count(requests), count(tally.good_total), result.seconds,
      static_cast<double>(requests) / result.seconds, options.rate);
  std::printf(
      ", \"errors\": %llu, \"error_kinds\": {\"connect\": %llu, \"status\": %llu, \"framing\": "
      "%llu, "
      "\"body\": %llu, \"closed\": %llu, \"timeout\": %llu, \"unasked\": %llu, \"dropped\": %llu, "
      "\"unanswered\": %llu}",
      count(e.total()), count(e.connect), count(e.status), count(e.framing), count(e.body),
      count(e.closed), count(e.timeout), count(e.unasked), count(e.dropped), count(e.unanswered));
  std::printf(", \"reconnects\": %llu, \"backlog_max\": %llu, \"latency_us\": ",
              count(tally.reconnects), count(tally.backlog_max));
  print_quantiles(tally.latency);
  std::printf(", \"cpu_ns\": {");
  const char* comma = "";
  for (const auto& [name, nanoseconds] : result.cpu_ns) {
    std::printf("%s\"%s\": %llu", comma, name.c_str(), count(nanoseconds));
    comma = ", ";
  }
  std::printf("}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  LoadOptions options;
  if (!sk::bench::parse_options(argc, argv, options)) {
    return 2;
  }
  if (options.quantiles_of_stdin) {
    return quantiles_of_stdin();
  }
  Target target;
  if (!resolve(options.target, target)) {
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  prctl(PR_SET_TIMERSLACK, 1UL);  // an open loop's instants, not the default 50 us after them
  options.watched.push_back({"load", getpid()});

  const std::string request = "GET " + options.path + " HTTP/1.1\r\nHost: " + options.host +
                              "\r\nUser-Agent: sidekick-bench\r\nAccept: */*\r\n\r\n";
  target.request = request;
  target.expected_body = options.body;
  if (options.tls) {
    target.tls = SSL_CTX_new(TLS_client_method());
    if (target.tls == nullptr || SSL_CTX_set_min_proto_version(target.tls, TLS1_3_VERSION) != 1) {
      std::fprintf(stderr, "load: OpenSSL could not be set up\n");
      return 2;
    }
  }
  int code = 2;
  {
    sk::bench::LoadGenerator generator(options, target);
    sk::bench::RunResult result;
    if (generator.run(result)) {
      print(options, generator.tally(), result);
      code = generator.tally().errors.total() == 0 ? 0 : 1;
    }
  }
  SSL_CTX_free(target.tls);
  return code;
}
