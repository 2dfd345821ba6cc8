#pragma once

#include "bench/load/connection.h"
#include "bench/load/options.h"
#include "bench/load/tally.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sk::bench {

struct RunResult {
  double seconds = 0;                           // the measured window as it really was
  std::map<std::string, std::uint64_t> cpu_ns;  // by the names of LoadOptions::watched
};

// LoadGenerator runs one load: connect all, warm up, measure, drain. One thread, one epoll.
//
// Closed loop: each connection asks again as soon as it was answered. Open loop: requests are due
// at given instants whatever the answers do, and wait in a bounded backlog for a free connection;
// their latency counts from the instant they were due, so that a stall is charged to all requests
// it delayed.
class LoadGenerator {
 public:
  LoadGenerator(const LoadOptions& options, const Target& target);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  // False, with one line on stderr, when the run could not take place.
  bool run(RunResult& result);
  const Tally& tally() const { return tally_; }

 private:
  static constexpr std::size_t kBacklogMax = 1U << 20;
  static constexpr std::uint64_t kReconnectsMax = 100'000;

  bool connect_all();
  bool traffic(std::uint64_t until_ns);
  void drain();
  void turn(std::uint64_t wake_ns);
  void release_due(std::uint64_t now_ns);
  void use(Connection& connection, std::uint64_t now_ns);
  void reopen(Connection& connection);
  void sweep(std::uint64_t now_ns);
  std::uint64_t next_gap_ns();
  bool in_window(std::uint64_t instant) const {
    return instant >= window_start_ns_ && instant < window_end_ns_;
  }
  bool enough() const { return options_.requests != 0 && tally_.good_total >= options_.requests; }
  bool hopeless() const { return tally_.reconnects > kReconnectsMax; }

  const LoadOptions& options_;
  Tally tally_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> free_;      // open loop: idle connections; a closed one leaves lazily
  std::deque<std::uint64_t> backlog_;  // open loop: due instants without a connection
  std::mt19937_64 random_;
  int epoll_fd_ = -1;
  bool asking_ = false;  // may new requests start?
  // Answers that arrived within (closed loop) or were due within (open loop) enter the histogram.
  std::uint64_t window_start_ns_ = ~std::uint64_t{0};
  std::uint64_t window_end_ns_ = 0;
  std::uint64_t due_ns_ = 0;
  std::uint64_t swept_ns_ = 0;
};

std::uint64_t now_ns();

}  // namespace sk::bench
