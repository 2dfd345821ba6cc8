#include "bench/load/cpu_clock.h"

#include <cstdio>
#include <ctime>

namespace sk::bench {

bool read_cpu(const std::vector<WatchedProcess>& watched,
              std::map<std::string, std::uint64_t>& out) {
  out.clear();
  for (const WatchedProcess& process : watched) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(process.pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
      std::fprintf(stderr, "load: process %d (%s) is gone\n", static_cast<int>(process.pid),
                   process.name.c_str());
      return false;
    }
    out[process.name] += static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
                         static_cast<std::uint64_t>(time.tv_nsec);
  }
  return true;
}

}  // namespace sk::bench
