#include "bench/generator/open_loop.h"

#include "net/io/loop.h"

#include <algorithm>

namespace sk::bench {

OpenLoop::OpenLoop(Loop& loop, ClientPool& pool, RequestSource& source, SampleSink& sink,
                   const OpenLoopConfig& config)
    : loop_(loop), pool_(pool), source_(source), sink_(sink), config_(config), pacer_(*this) {}

Prepared OpenLoop::prepare(const Job& job) { return source_.prepare(job.request, job.sequence); }

void OpenLoop::finished(const Job& job, Ending ending, const Answer* answer, const Error& error) {
  ++end_.finished;
  if (ending == Ending::answered) {
    failures_in_a_row_ = 0;
  } else {
    ++failed_;
    if (++failures_in_a_row_ >= config_.failures_in_a_row_max) {
      end_.gave_up = true;
    }
  }
  if (end_.gave_up || (next_ >= arrivals_.size() && end_.finished >= end_.sent)) {
    wake_up();
  }
  // The turn's instant is when the kernel had handed over what arrived.
  sink_.take(Sample{job, loop_.now(), ending, answer, error});
}

// The loop is about to sleep until the next arrival: it must look up first.
void OpenLoop::wake_up() {
  loop_.post([] {});
}

// Runs behind the completions of the turn, so that connections they freed are used, and just before
// what was queued leaves.
void OpenLoop::dispatch() {
  Instant now = loop_.read_clock();
  while (next_ < arrivals_.size() && !end_.outstanding_hit) {
    const Arrival& arrival = arrivals_[next_];
    const Instant due = end_.began + Duration(arrival.at_ns);
    if (due > now) {
      now = loop_.read_clock();
      if (due > now) {
        return;
      }
    }
    if (pool_.outstanding() >= config_.outstanding_max) {
      end_.outstanding_hit = true;
      wake_up();
      return;
    }
    Job job;
    job.request = arrival.request;
    job.sequence = next_;
    job.due = due;
    job.dispatched = loop_.read_clock();
    ++next_;
    ++end_.sent;
    pool_.submit(job);
    end_.outstanding_peak = std::max(end_.outstanding_peak, pool_.outstanding());
  }
}

void OpenLoop::report_progress(Instant now, Duration total) {
  if (config_.on_progress) {
    config_.on_progress({now - end_.began, total, end_.sent, end_.finished, failed_,
                         pool_.outstanding(), pool_.open()});
  }
}

OpenLoopEnd OpenLoop::run(std::span<const Arrival> arrivals, Duration duration) {
  arrivals_ = arrivals;
  next_ = 0;
  failures_in_a_row_ = 0;
  failed_ = 0;
  end_ = {};
  end_.began = loop_.read_clock();
  const std::uint64_t turns_before = loop_.counters().turns;
  pool_.serve(*this);
  sink_.began(end_.began);
  Instant progress_at = end_.began + config_.progress_every;
  while (!end_.outstanding_hit && !end_.gave_up &&
         (next_ < arrivals_.size() || end_.finished < end_.sent)) {
    const Instant now = loop_.read_clock();
    if (now >= progress_at) {
      report_progress(now, duration);
      progress_at = now + config_.progress_every;
    }
    Instant wake_at = progress_at;
    if (next_ < arrivals_.size()) {
      const Instant due = end_.began + Duration(arrivals_[next_].at_ns);
      if (due <= now) {
        loop_.make_ready(pacer_);
      }
      wake_at = std::min(wake_at, due);
    }
    loop_.run_once(wake_at);
  }
  end_.took = loop_.read_clock() - end_.began;
  end_.turns = loop_.counters().turns - turns_before;
  pacer_.unlink();
  return end_;
}

}  // namespace sk::bench
