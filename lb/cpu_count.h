// How many cores this process may really use: affinity, and the cgroup's quota (v1 and v2).
#pragma once

#include <cstdint>
#include <string>

namespace sk::lb {

// At least 1; a quota of one and a half cores counts as 2. root: where /proc and /sys are, "" for
// the real ones (tests bring their own).
std::uint32_t usable_cpus(const std::string& root = "");

}  // namespace sk::lb
