// ClosedLoop: a fixed number of connections, each of which asks again as soon as it was answered.
//
// It tells what a target can bear and how much the generator itself can drive, and nothing about
// latency as a client sees it: whoever waits for a stalled target does not ask meanwhile.
#pragma once

#include "bench/generator/open_loop.h"

namespace sk::bench {

class ClosedLoop final : private ClientPool::User {
 public:
  ClosedLoop(Loop& loop, ClientPool& pool, RequestSource& source, SampleSink& sink);

  // For so long, with so many requests in flight. All ask for the scenario's first request.
  OpenLoopEnd run(std::size_t connections, Duration duration);

 private:
  Prepared prepare(const Job& job) override;
  void finished(const Job& job, Ending ending, const Answer* answer, const Error& error) override;
  void ask();

  Loop& loop_;
  ClientPool& pool_;
  RequestSource& source_;
  SampleSink& sink_;
  Instant until_;
  std::uint64_t failures_in_a_row_ = 0;
  OpenLoopEnd end_;
};

}  // namespace sk::bench
