// Mode saturate: a closed loop, for what the generator or the target can bear.
#include "bench/modes/machine.h"
#include "bench/modes/measure.h"
#include "bench/modes/recorder.h"
#include "bench/modes/session.h"
#include "bench/report/text.h"

#include <cstdio>

namespace sk::bench {
namespace {

// Counts and times; no stages, no seconds: nothing but what a closed loop can say.
class Tally final : public SampleSink {
 public:
  explicit Tally(const Scenario& scenario) : expect_(scenario.requests.front().expect) {}

  void began(Instant) override {}
  void take(const Sample& sample) override {
    latency_.record(static_cast<std::uint64_t>(sample.latency().count()));
    const std::optional<Failure> failure =
        failure_of(sample.ending, sample.answer, expect_, check_, why_);
    if (failure) {
      ++wrong_;
      if (first_wrong_.empty()) {
        first_wrong_ = why_.empty() ? describe(sample.error) : why_;
      }
    }
  }

  LogLinearHistogram latency_;
  std::uint64_t wrong_ = 0;
  std::string first_wrong_;

 private:
  const Expectation& expect_;
  AnswerCheck check_;
  std::string why_;
};

}  // namespace

int saturate(const Options& options, const Scenario& scenario) {
  auto session = Session::open(options, scenario, options.target);
  if (!session) {
    std::fprintf(stderr, "sidekick-bench: %s\n", session.error().c_str());
    return 3;
  }
  if (CannotMeasure wrong = (*session)->prepare_target()) {
    std::fprintf(stderr, "sidekick-bench: %s\n", wrong->c_str());
    return 3;
  }
  Tally warm(scenario);
  if (options.warm_up > Duration::zero()) {
    static_cast<void>((*session)->run_closed(options.connections, options.warm_up, warm));
  }
  Tally tally(scenario);
  const Nanoseconds cpu_before = own_processor_time();
  const OpenLoopEnd end = (*session)->run_closed(options.connections, options.duration, tally);
  const Nanoseconds cpu = own_processor_time() - cpu_before;
  const double seconds = std::chrono::duration<double>(end.took).count();
  const auto requests = static_cast<double>(end.finished);
  const auto quantile = [&](double q) {
    return duration_text(Nanoseconds(static_cast<std::int64_t>(tally.latency_.quantile(q))));
  };
  std::printf(
      "%.0f requests/s over %.2f s, %u connections, %s; the generator used %.0f %% of a core, "
      "%.2f us per request, %.1f requests per turn\n"
      "closed loop: p50 %s, p99 %s, max %s (what a target hides from those who wait for it is not "
      "in these)\n",
      requests / seconds, seconds, options.connections,
      std::string(to_string((*session)->backend())).c_str(),
      100 * std::chrono::duration<double>(cpu).count() / seconds,
      requests > 0 ? static_cast<double>(cpu.count()) / 1e3 / requests : 0.0,
      end.turns > 0 ? requests / static_cast<double>(end.turns) : 0.0, quantile(0.5).c_str(),
      quantile(0.99).c_str(), quantile(1.0).c_str());
  if (tally.wrong_ > 0) {
    std::fprintf(stderr, "sidekick-bench: %llu of %.0f requests failed, the first: %s\n",
                 static_cast<unsigned long long>(tally.wrong_), requests,
                 tally.first_wrong_.c_str());
    return 3;
  }
  return 0;
}

}  // namespace sk::bench
