// OpenLoop: one run at planned instants, whatever the target does.
//
// Every arrival is dispatched when it is due, or as soon after as this thread gets to it; its lag
// is kept. Latency is the answer's instant minus the *intended* one, so a target that stalls is
// charged for everybody who would have come meanwhile (no coordinated omission). Requests in flight
// are not limited, up to a bound that keeps the generator's memory finite: reaching it ends the
// run, which is then invalid, rather than slowing the arrivals down in silence.
#pragma once

#include "bench/generator/arrivals.h"
#include "bench/generator/client_pool.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace sk::bench {

// One finished request, as recorders take it.
struct Sample {
  const Job& job;
  Instant done;  // when the kernel had the answer's last byte for us, or it was given up
  Ending ending = Ending::answered;
  const Answer* answer = nullptr;  // there if it was answered
  const Error& error;

  [[nodiscard]] Duration latency() const { return done - job.due; }
};

class SampleSink {
 public:
  // A run begins: arrivals count from this instant.
  virtual void began(Instant at) = 0;
  virtual void take(const Sample& sample) = 0;

 protected:
  ~SampleSink() = default;
};

// What to write for each request of the scenario.
class RequestSource {
 public:
  // request: its index in the scenario; sequence: its number in the run.
  virtual Prepared prepare(std::uint32_t request, std::uint64_t sequence) = 0;

 protected:
  ~RequestSource() = default;
};

// For the progress line.
struct Progress {
  Duration elapsed{};
  Duration total{};
  std::uint64_t sent = 0;
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;  // not answered
  std::size_t outstanding = 0;
  std::size_t connections = 0;
};

struct OpenLoopConfig {
  std::size_t outstanding_max = 20'000;
  // So many requests in a row that got no answer at all end the run: nobody is there.
  std::uint64_t failures_in_a_row_max = 1'000;
  Duration progress_every = std::chrono::milliseconds(500);
  std::function<void(const Progress&)> on_progress{};
};

struct OpenLoopEnd {
  bool outstanding_hit = false;  // the bound was reached
  bool gave_up = false;          // nobody answered
  Instant began;
  Duration took{};  // until the last answer
  std::uint64_t sent = 0;
  std::uint64_t finished = 0;
  std::uint64_t turns = 0;
  std::size_t outstanding_peak = 0;
};

class OpenLoop final : private ClientPool::User {
 public:
  // All outlive this. The pool serves this while run() runs.
  OpenLoop(Loop& loop, ClientPool& pool, RequestSource& source, SampleSink& sink,
           const OpenLoopConfig& config);

  // Runs turns of the loop until every arrival was sent and finished. Not on the loop's own stack.
  OpenLoopEnd run(std::span<const Arrival> arrivals, Duration duration);

 private:
  struct Pacer final : ReadyNode {
    explicit Pacer(OpenLoop& owner)
        : ReadyNode([](ReadyNode& node) { static_cast<Pacer&>(node).loop.dispatch(); }),
          loop(owner) {}
    OpenLoop& loop;
  };

  Prepared prepare(const Job& job) override;
  void finished(const Job& job, Ending ending, const Answer* answer, const Error& error) override;
  void dispatch();
  void wake_up();
  void report_progress(Instant now, Duration total);

  Loop& loop_;
  ClientPool& pool_;
  RequestSource& source_;
  SampleSink& sink_;
  const OpenLoopConfig& config_;
  Pacer pacer_;
  std::span<const Arrival> arrivals_;
  std::size_t next_ = 0;
  std::uint64_t failures_in_a_row_ = 0;
  std::uint64_t failed_ = 0;
  OpenLoopEnd end_;
};

}  // namespace sk::bench
