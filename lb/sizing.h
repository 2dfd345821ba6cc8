// Sizing: what the settings that are left to us become on this machine or in this container.
//
//   workers        one per core of the quota
//   data threads   one per core; where all listeners are cleartext and all upstreams are workers,
//   as
//                  in a task behind an ALB, one per two cores: parsing costs a third of a handler
//                  with a query, and fewer links batch better. On 2 cores shared with wrk, 64
//                  connections, epoll, -O1, CPU of all processes per request: 1 thread + 1 worker
//                  13-14 us, 1+2 15-17 us, 2+1 16-17 us, 2+2 19 us, at the same p99 of 2-4 ms
//   connections    80 % of the descriptors, and at most one for each 256 KiB of memory
//   output         a quarter of the memory over the connections: what one may have waiting for a
//                  slow client, from 16 KiB to the listener's output_buffer
//   buffers        a sixteenth of the memory over the threads, 64 to 1024 of 16 KiB each
//   links          a sixteenth over the links (threads x workers): half of a link's share are first
//                  windows of 16 KiB, one per slot, 64 to 512 of them; half, at most 4 MiB, is the
//                  pool by which windows grow
//   workers        a quarter over them; each divides its own (app/config.h)
//
// So in the worst case, with every connection's client slow, every head of the largest size
// (another quarter, behind an ALB) and every window full, something is left for the kernel's socket
// buffers, which count too. A setting of the file or the environment takes the place of the rule,
// and the operator the responsibility.
#pragma once

#include "net/link/frames.h"

#include "lb/config.h"

#include <cstddef>
#include <cstdint>

namespace sk::lb {

struct Machine {
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 1U << 30;
  std::uint64_t descriptors = 1024;  // RLIMIT_NOFILE
};

// The real one: cgroup.h and the limits of this process.
Machine this_machine();

struct Sizing {
  std::uint32_t threads = 1;
  std::uint32_t workers = 1;  // of each upstream that leaves their count at 0
  std::uint32_t connections_max = 1024;
  std::uint32_t buffers = 1024;  // per thread
  std::size_t output_buffer_bytes = 256 << 10;
  LinkLimits link;
  std::uint64_t worker_memory_bytes = 256 << 20;  // of each
};

Sizing size_for(const Config& config, const Machine& machine);

}  // namespace sk::lb
