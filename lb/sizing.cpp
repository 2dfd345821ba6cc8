#include "lb/sizing.h"

#include "lb/cgroup.h"

#include <sys/resource.h>

#include <algorithm>

namespace sk::lb {
namespace {

constexpr std::uint64_t kBytesPerConnection = 256 << 10;
constexpr std::size_t kOutputBytesLeast = 16 << 10;
constexpr std::size_t kOutputBytesMost = 256 << 10;

std::uint64_t per(std::uint64_t bytes, std::uint64_t parts) {
  return bytes / std::max<std::uint64_t>(parts, 1);
}

// Of those that speak over a link; others divide their memory as they like.
std::uint32_t count_workers(const Config& config, std::uint32_t by_default) {
  std::uint32_t count = 0;
  for (const UpstreamConfig& upstream : config.upstreams) {
    if (upstream.workers) {
      count += upstream.workers->count != 0 ? upstream.workers->count : by_default;
    }
  }
  return count;
}

// No TLS to speak, and the work is done by processes beside us.
bool workers_do_the_work(const Config& config) {
  return !config.upstreams.empty() &&
         std::ranges::all_of(config.upstreams,
                             [](const auto& upstream) { return upstream.workers.has_value(); }) &&
         std::ranges::none_of(config.listeners,
                              [](const auto& listener) { return listener.tls.has_value(); });
}

}  // namespace

Machine this_machine() {
  Machine machine{.cpus = usable_cpus(), .memory_bytes = usable_memory()};
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    machine.descriptors = limit.rlim_cur;
  }
  return machine;
}

Sizing size_for(const Config& config, const Machine& machine) {
  const std::uint64_t memory = machine.memory_bytes;
  Sizing sizing;
  const std::uint32_t threads = workers_do_the_work(config) ? (machine.cpus + 1) / 2 : machine.cpus;
  sizing.threads = config.server.threads != 0 ? config.server.threads : threads;
  sizing.workers = machine.cpus;
  const std::uint32_t workers = count_workers(config, sizing.workers);

  const std::uint64_t connections =
      std::min(machine.descriptors / 5 * 4, memory / kBytesPerConnection);
  sizing.connections_max =
      config.server.connections_max != 0
          ? config.server.connections_max
          : static_cast<std::uint32_t>(std::clamp<std::uint64_t>(connections, 16, 1'000'000));
  sizing.output_buffer_bytes = std::clamp<std::size_t>(per(memory / 4, sizing.connections_max),
                                                       kOutputBytesLeast, kOutputBytesMost);
  sizing.buffers = config.server.buffers != 0
                       ? config.server.buffers
                       : static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
                             per(memory / 16, sizing.threads) / kBufferBytes, 64, 1024));

  const std::uint64_t half_link = per(memory / 32, std::uint64_t{sizing.threads} * workers);
  sizing.link.slots = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(half_link / sizing.link.stream_window, 64, sizing.link.slots));
  sizing.link.growth_pool = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(half_link, 256 << 10, sizing.link.growth_pool));
  sizing.worker_memory_bytes = per(memory / 4, workers);
  return sizing;
}

}  // namespace sk::lb
