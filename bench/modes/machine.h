// What the numbers were measured on.
#pragma once

#include "bench/report/model.h"

#include <cstdint>

namespace sk::bench {

[[nodiscard]] Machine this_machine();

// Processor time of the whole machine since boot, in ticks.
struct ProcessorTime {
  std::uint64_t all = 0;
  std::uint64_t stolen = 0;  // taken by the hypervisor

  [[nodiscard]] static ProcessorTime now();
  // Share (0..1) stolen since then; nothing where the kernel does not tell.
  [[nodiscard]] std::optional<double> stolen_until(const ProcessorTime& later) const;
};

// User and system time of this process so far.
[[nodiscard]] Nanoseconds own_processor_time();

// Keeps this thread on one core. False if there is no such core for us.
[[nodiscard]] bool stay_on_core(unsigned core);

}  // namespace sk::bench
