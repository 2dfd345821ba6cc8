#pragma once

#include "bench/load/options.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sk::bench {

// User + system time of the watched processes in nanoseconds, summed by name: every thread, also
// those that ended and io_uring's own, from the kernel's accounting (a process CPU clock,
// clock_getcpuclockid(3)). The clock of a thread that runs at this instant lags by up to one tick,
// 4 ms at 250 Hz. Returns false when a process is gone, with its name on stderr.
bool read_cpu(const std::vector<WatchedProcess>& watched,
              std::map<std::string, std::uint64_t>& out);

}  // namespace sk::bench
