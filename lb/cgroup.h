// What this process may use of its machine: cores and memory, as affinity and the cgroup's limits
// (v1 and v2) allow.
#pragma once

#include <cstdint>
#include <string>

namespace sk::lb {

// At least 1; a quota of one and a half cores counts as 2. root: where /proc and /sys are, "" for
// the real ones (tests bring their own).
std::uint32_t usable_cpus(const std::string& root = "");

// Bytes: the narrowest limit of the cgroup and those above it, else the machine's memory; 1 GiB
// where nobody says.
std::uint64_t usable_memory(const std::string& root = "");

}  // namespace sk::lb
