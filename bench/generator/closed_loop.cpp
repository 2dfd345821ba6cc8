#include "bench/generator/closed_loop.h"

#include "net/io/loop.h"

namespace sk::bench {
namespace {

constexpr std::uint64_t kFailuresInARowMax = 1'000;  // then nobody is there

}  // namespace

ClosedLoop::ClosedLoop(Loop& loop, ClientPool& pool, RequestSource& source, SampleSink& sink)
    : loop_(loop), pool_(pool), source_(source), sink_(sink) {}

Prepared ClosedLoop::prepare(const Job& job) { return source_.prepare(job.request, job.sequence); }

void ClosedLoop::ask() {
  Job job;
  job.sequence = end_.sent++;
  job.due = loop_.now();
  job.dispatched = job.due;
  pool_.submit(job);
}

void ClosedLoop::finished(const Job& job, Ending ending, const Answer* answer, const Error& error) {
  ++end_.finished;
  sink_.take(Sample{job, loop_.now(), ending, answer, error});
  failures_in_a_row_ = ending == Ending::answered ? 0 : failures_in_a_row_ + 1;
  end_.gave_up = end_.gave_up || failures_in_a_row_ >= kFailuresInARowMax;
  if (loop_.now() < until_ && !end_.gave_up) {
    ask();
  } else if (end_.finished >= end_.sent) {
    loop_.post([] {});  // run() must look up before the loop sleeps
  }
}

OpenLoopEnd ClosedLoop::run(std::size_t connections, Duration duration) {
  end_ = {};
  failures_in_a_row_ = 0;
  const std::uint64_t turns_before = loop_.counters().turns;
  pool_.serve(*this);
  end_.began = loop_.read_clock();
  until_ = end_.began + duration;
  sink_.began(end_.began);
  for (std::size_t i = 0; i < connections; ++i) {
    ask();
  }
  while (end_.finished < end_.sent) {
    loop_.run_once(kNever);
  }
  end_.took = loop_.read_clock() - end_.began;
  end_.turns = loop_.counters().turns - turns_before;
  return end_;
}

}  // namespace sk::bench
