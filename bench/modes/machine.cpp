#include "bench/modes/machine.h"

#include "sidekick_version.h"

#include <sched.h>
#include <sys/utsname.h>
#include <time.h>

#include <fstream>
#include <string>

namespace sk::bench {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

}  // namespace

Machine this_machine() {
  Machine machine;
  utsname system{};
  if (::uname(&system) == 0) {
    machine.host = system.nodename;
    machine.kernel = system.release;
  }
  machine.processor = processor_name();
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    machine.cores = static_cast<std::uint32_t>(CPU_COUNT(&cores));
  }
  machine.version = kVersion;
  return machine;
}

ProcessorTime ProcessorTime::now() {
  // "cpu user nice system idle iowait irq softirq steal ...": proc_stat(5).
  constexpr std::size_t kSteal = 7;
  ProcessorTime time;
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  for (std::size_t i = 0; i <= kSteal; ++i) {
    std::uint64_t ticks = 0;
    if (file >> ticks) {
      time.all += ticks;
      time.stolen = i == kSteal ? ticks : time.stolen;
    }
  }
  return time;
}

std::optional<double> ProcessorTime::stolen_until(const ProcessorTime& later) const {
  if (later.all <= all || later.stolen < stolen) {
    return std::nullopt;
  }
  return static_cast<double>(later.stolen - stolen) / static_cast<double>(later.all - all);
}

Nanoseconds own_processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

bool stay_on_core(unsigned core) {
  if (core >= CPU_SETSIZE) {
    return false;
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return ::sched_setaffinity(0, sizeof(cores), &cores) == 0;
}

}  // namespace sk::bench
