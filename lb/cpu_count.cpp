#include "lb/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace sk::lb {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "150000 100000" or "max 100000".
double quota_v2(const std::string& line) {
  std::istringstream words(line);
  double quota = 0;
  double period = 0;
  return words >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoQuota;
}

double quota_v1(const std::string& folder) {
  double quota = -1;
  double period = 0;
  std::istringstream(first_line(folder + "/cpu.cfs_quota_us")) >> quota;
  std::istringstream(first_line(folder + "/cpu.cfs_period_us")) >> period;
  return quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// The smallest quota from the group up to its hierarchy's root: a parent may be narrower. In a
// container the path may name a group that is not mounted; the root then speaks for it.
template <typename Quota>
double smallest(const std::string& mount, std::string group, Quota quota) {
  double result = quota(mount);
  while (!group.empty() && group != "/") {
    result = std::min(result, quota(mount + group));
    group.erase(group.rfind('/'));
  }
  return result;
}

double cgroup_quota(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  double result = kNoQuota;
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
      result = std::min(result, smallest(root + "/sys/fs/cgroup", group, [](const auto& folder) {
                          return quota_v2(first_line(folder + "/cpu.max"));
                        }));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      for (const char* mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
        result = std::min(result, smallest(root + mount, group, quota_v1));
      }
    }
  }
  return result;
}

}  // namespace

std::uint32_t usable_cpus(const std::string& root) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  const double affinity = known ? std::max(1, CPU_COUNT(&set)) : 1;
  return static_cast<std::uint32_t>(std::ceil(std::min(affinity, cgroup_quota(root))));
}

}  // namespace sk::lb
