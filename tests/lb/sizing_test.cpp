// What cgroups allow, and what is made of it: threads, connections, buffers, windows.
#include "lb/cgroup.h"
#include "lb/sizing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sk::lb {
namespace {

// A root with only the files that a test writes.
class Root {
 public:
  Root() : path_(testing::TempDir() + "cgroup-root-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~Root() { std::filesystem::remove_all(path_); }

  Root& with(const std::string& file, const std::string& text) {
    const std::filesystem::path whole = path_ + file;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text << "\n";
    return *this;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr std::uint64_t kMiB = 1 << 20;

TEST(Cgroup, Version2GivesQuotaAndMemory) {
  Root root;
  root.with("/proc/self/cgroup", "0::/task")
      .with("/proc/meminfo", "MemTotal:       16777216 kB")
      .with("/sys/fs/cgroup/task/cpu.max", "50000 100000")
      .with("/sys/fs/cgroup/task/memory.max", "536870912");
  EXPECT_EQ(usable_cpus(root.path()), 1U);
  EXPECT_EQ(usable_memory(root.path()), 512 * kMiB);
}

TEST(Cgroup, Version1GivesQuotaAndMemory) {
  Root root;
  root.with("/proc/self/cgroup", "5:cpu,cpuacct:/ecs/task\n4:memory:/ecs/task")
      .with("/proc/meminfo", "MemTotal:       16777216 kB")
      .with("/sys/fs/cgroup/cpu,cpuacct/ecs/task/cpu.cfs_quota_us", "100000")
      .with("/sys/fs/cgroup/cpu,cpuacct/ecs/task/cpu.cfs_period_us", "100000")
      .with("/sys/fs/cgroup/memory/ecs/task/memory.limit_in_bytes", "1073741824");
  EXPECT_EQ(usable_cpus(root.path()), 1U);
  EXPECT_EQ(usable_memory(root.path()), 1024 * kMiB);
}

TEST(Cgroup, AParentMayBeNarrower) {
  Root root;
  root.with("/proc/self/cgroup", "0::/a/b")
      .with("/proc/meminfo", "MemTotal:       16777216 kB")
      .with("/sys/fs/cgroup/a/memory.max", "268435456")
      .with("/sys/fs/cgroup/a/b/memory.max", "max");
  EXPECT_EQ(usable_memory(root.path()), 256 * kMiB);
}

TEST(Cgroup, InAContainerTheMountsRootSpeaksForAGroupThatIsNotThere) {
  Root root;
  root.with("/proc/self/cgroup", "0::/../elsewhere")
      .with("/proc/meminfo", "MemTotal:       16777216 kB")
      .with("/sys/fs/cgroup/memory.max", "134217728")
      .with("/sys/fs/cgroup/cpu.max", "10000 100000");
  EXPECT_EQ(usable_memory(root.path()), 128 * kMiB);
  EXPECT_EQ(usable_cpus(root.path()), 1U);
}

TEST(Cgroup, WithoutALimitTheMachineCounts) {
  Root root;
  root.with("/proc/self/cgroup", "4:memory:/\n0::/")
      .with("/proc/meminfo", "MemTotal:       2097152 kB")
      .with("/sys/fs/cgroup/memory.max", "max")
      .with("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
      .with("/sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_EQ(usable_memory(root.path()), 2048 * kMiB);
  EXPECT_GE(usable_cpus(root.path()), 1U);
  EXPECT_EQ(usable_memory("/nonexistent"), 1024 * kMiB);
}

Config with_workers(std::uint32_t count) {
  Config config;
  UpstreamConfig& upstream = config.upstreams.emplace_back();
  upstream.workers.emplace().count = count;
  return config;
}

Machine machine(std::uint32_t cpus, std::uint64_t memory_bytes, std::uint64_t descriptors) {
  return {.cpus = cpus, .memory_bytes = memory_bytes, .descriptors = descriptors};
}

TEST(Sizing, ASmallTaskTakes2000ConnectionsWithinItsMemory) {
  const std::uint64_t memory = 512 * kMiB;
  const Sizing sizing = size_for(with_workers(0), machine(1, memory, 65'535));
  EXPECT_EQ(sizing.threads, 1U);
  EXPECT_EQ(sizing.workers, 1U);
  EXPECT_EQ(sizing.connections_max, 2048U);
  EXPECT_EQ(sizing.output_buffer_bytes, 64U << 10);
  EXPECT_EQ(sizing.link.slots, 512U);
  const std::uint64_t heads = sizing.connections_max * (std::uint64_t{64} << 10);
  const std::uint64_t output = sizing.connections_max * sizing.output_buffer_bytes;
  const std::uint64_t buffers = std::uint64_t{sizing.threads} * sizing.buffers * kBufferBytes;
  EXPECT_LE(heads + output + buffers + sizing.link.link_window() + sizing.worker_memory_bytes,
            memory * 9 / 10);
}

TEST(Sizing, SharesFollowTheMemory) {
  for (const std::uint64_t mib : {128U, 256U, 512U, 4096U, 65'536U}) {
    for (const std::uint32_t cpus : {1U, 2U, 8U}) {
      const std::uint64_t memory = mib * kMiB;
      const Sizing sizing = size_for(with_workers(0), machine(cpus, memory, 1'000'000));
      EXPECT_GE(sizing.buffers, 64U);
      EXPECT_LE(sizing.buffers, 1024U);
      EXPECT_GE(sizing.link.slots, 64U);
      EXPECT_LE(sizing.link.slots, 512U);
      EXPECT_LE(sizing.connections_max * sizing.output_buffer_bytes, memory / 4);
      EXPECT_LE(sizing.worker_memory_bytes * sizing.workers, memory / 4);
    }
  }
}

TEST(Sizing, WhatTheOperatorSaysTakesThePlaceOfTheRule) {
  Config config = with_workers(3);
  config.server.threads = 2;
  config.server.buffers = 4096;
  config.server.connections_max = 100;
  const Sizing sizing = size_for(config, machine(8, 512 * kMiB, 1024));
  EXPECT_EQ(sizing.threads, 2U);
  EXPECT_EQ(sizing.buffers, 4096U);
  EXPECT_EQ(sizing.connections_max, 100U);
  EXPECT_EQ(sizing.output_buffer_bytes, 256U << 10);  // few connections: what a listener takes
  EXPECT_EQ(sizing.worker_memory_bytes, 128 * kMiB / 3);
}

TEST(Sizing, DataThreadsTakeHalfOfTheCoresWhereWorkersDoTheWorkInClear) {
  Config config = with_workers(0);
  config.listeners.emplace_back();
  const auto threads = [&](std::uint32_t cpus) {
    return size_for(config, machine(cpus, 4096 * kMiB, 65'535)).threads;
  };
  EXPECT_EQ(threads(1), 1U);
  EXPECT_EQ(threads(2), 1U);
  EXPECT_EQ(threads(3), 2U);
  EXPECT_EQ(threads(8), 4U);
  EXPECT_EQ(size_for(config, machine(2, 4096 * kMiB, 65'535)).workers, 2U);
  config.listeners[0].tls.emplace();
  EXPECT_EQ(threads(2), 2U);
  config.listeners[0].tls.reset();
  config.upstreams[0].workers.reset();
  EXPECT_EQ(threads(2), 2U);
}

TEST(Sizing, DescriptorsBoundConnectionsToo) {
  EXPECT_EQ(size_for(with_workers(0), machine(1, 65'536 * kMiB, 1000)).connections_max, 800U);
}

}  // namespace
}  // namespace sk::lb
