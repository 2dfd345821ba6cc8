#include "lb/cgroup.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace sk::lb {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The number that a file holds; "max", or no such file, is no limit.
double number_in(const std::string& path) {
  double number = 0;
  return std::istringstream(first_line(path)) >> number && number > 0 ? number : kNoLimit;
}

// "150000 100000" or "max 100000".
double quota_v2(const std::string& folder) {
  std::istringstream words(first_line(folder + "/cpu.max"));
  double quota = 0;
  double period = 0;
  return words >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoLimit;
}

double quota_v1(const std::string& folder) {
  double quota = -1;
  double period = 0;
  std::istringstream(first_line(folder + "/cpu.cfs_quota_us")) >> quota;
  std::istringstream(first_line(folder + "/cpu.cfs_period_us")) >> period;
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

double memory_v2(const std::string& folder) { return number_in(folder + "/memory.max"); }

// Without a limit this file holds a number close to 2^63, which the machine's memory undercuts.
double memory_v1(const std::string& folder) { return number_in(folder + "/memory.limit_in_bytes"); }

// The smallest limit from the group up to its hierarchy's root: a parent may be narrower. In a
// container the path may name a group that is not mounted; the root then speaks for it.
template <typename Limit>
double smallest(const std::string& mount, std::string group, Limit limit) {
  double result = limit(mount);
  while (!group.empty() && group != "/") {
    result = std::min(result, limit(mount + group));
    group.erase(group.rfind('/'));
  }
  return result;
}

// controller: its name in v1. Which mounts of v1 are looked at: /sys/fs/cgroup/<controller>, and
// for cpu the joint one.
template <typename LimitV1, typename LimitV2>
double cgroup_limit(const std::string& root, const std::string& controller, LimitV1 limit_v1,
                    LimitV2 limit_v2) {
  std::ifstream groups(root + "/proc/self/cgroup");
  double result = kNoLimit;
  for (std::string line; std::getline(groups, line);) {
    // hierarchy:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      result = std::min(result, smallest(root + "/sys/fs/cgroup", group, limit_v2));
    } else if (controllers.find("," + controller + ",") != std::string::npos) {
      const std::string folder = root + "/sys/fs/cgroup/";
      result = std::min(result, smallest(folder + controller, group, limit_v1));
      result = std::min(result, smallest(folder + "cpu,cpuacct", group, limit_v1));
    }
  }
  return result;
}

// "MemTotal:       16384 kB" in /proc/meminfo.
double machine_memory(const std::string& root) {
  std::ifstream lines(root + "/proc/meminfo");
  std::string name;
  double kib = 0;
  return lines >> name >> kib && name == "MemTotal:" && kib > 0 ? kib * 1024 : kNoLimit;
}

}  // namespace

std::uint32_t usable_cpus(const std::string& root) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  const double affinity = known ? std::max(1, CPU_COUNT(&set)) : 1;
  const double quota = cgroup_limit(root, "cpu", quota_v1, quota_v2);
  return static_cast<std::uint32_t>(std::ceil(std::min(affinity, quota)));
}

std::uint64_t usable_memory(const std::string& root) {
  constexpr double kUnknown = 1 << 30;
  const double limit =
      std::min(machine_memory(root), cgroup_limit(root, "memory", memory_v1, memory_v2));
  return static_cast<std::uint64_t>(limit == kNoLimit ? kUnknown : limit);
}

}  // namespace sk::lb
