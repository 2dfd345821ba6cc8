// Mode capacity: the highest rate at which every budget is kept.
#include "bench/modes/measure.h"
#include "bench/modes/recorder.h"
#include "bench/modes/session.h"
#include "bench/report/judge.h"

#include <algorithm>
#include <cmath>

namespace sk::bench {
namespace {

constexpr double kClose = 1.05;  // how near the last two multiples must be
constexpr std::size_t kStepsMax = 24;
constexpr std::uint32_t kRunsMax = 5;  // of one step
constexpr double kMultipleMin = 1.0 / 64;
constexpr double kMultipleMax = 1024;

// What one step found.
struct Step {
  std::vector<RouteReport> routes;
  LogLinearHistogram lag;
  std::uint64_t outstanding_peak = 0;
  CapacityStep summary;
};

// How much of its limit a level used: above 1 it was exceeded.
double use_of(const LevelVerdict& verdict) {
  return static_cast<double>(verdict.measured.count()) /
         static_cast<double>(std::max<std::int64_t>(1, verdict.limit.count()));
}

void summarise(Step& step, std::uint64_t seed) {
  double most = -1;
  step.summary.outcome = Outcome::pass;
  step.summary.requests = 0;
  step.summary.rate = 0;
  for (RouteReport& route : step.routes) {
    judge_route(route, seed);
    step.summary.requests += route.requests;
    step.summary.rate += route.rate;
    if (route.outcome == Outcome::fail ||
        (route.outcome == Outcome::inconclusive && step.summary.outcome == Outcome::pass)) {
      step.summary.outcome = route.outcome;
    }
    for (const LevelVerdict& verdict : route.verdicts) {
      // A level that failed comes before one that only came near.
      const double use = use_of(verdict) + (verdict.outcome == Outcome::fail ? 1e6 : 0);
      if (use > most) {
        most = use;
        step.summary.route = route.name;
        step.summary.level = verdict.level;
        step.summary.measured = verdict.measured;
        step.summary.limit = verdict.limit;
      }
    }
  }
}

class Search {
 public:
  Search(const Measurement& what, Session& session) : what_(what), session_(session) {}

  void run() {
    double kept = 0;
    double missed = 0;
    double multiple = 1;
    while (!finished(kept, missed) && multiple >= kMultipleMin && multiple <= kMultipleMax) {
      if (keeps(multiple)) {
        kept = multiple;
      } else {
        missed = multiple;
      }
      if (missed == 0) {
        multiple = kept * 2;
      } else if (kept == 0) {
        multiple = missed / 2;
      } else {
        multiple = std::sqrt(kept * missed);
      }
    }
    finish();
  }

 private:
  [[nodiscard]] bool finished(double kept, double missed) const {
    return steps_ >= kStepsMax || (kept > 0 && missed > 0 && missed / kept <= kClose);
  }

  bool keeps(double multiple) {
    Step step;
    step.routes = empty_reports(what_.scenario, multiple);
    step.summary.multiple = multiple;
    double rate = 0;
    for (const RouteReport& route : step.routes) {
      rate += route.rate;
    }
    std::vector<std::string> invalid;
    const double requests = rate * std::chrono::duration<double>(what_.options.duration).count();
    if (requests > static_cast<double>(kArrivalsMax)) {
      invalid.push_back("too many requests to plan");
    } else {
      Recorder recorder(what_.scenario, step.routes, step.lag, what_.options.timeout, what_.raw);
      char label[64];
      std::snprintf(label, sizeof(label), "%.3gx, %.0f/s", multiple, rate);
      // Where one run does not tell, more of them may.
      for (std::uint32_t run = 0; run < kRunsMax && invalid.empty(); ++run) {
        session_.run(multiple, what_.options.duration, runs_++, recorder, label, invalid,
                     step.outstanding_peak);
        summarise(step, what_.options.seed);
        if (step.summary.outcome != Outcome::inconclusive) {
          break;
        }
      }
    }
    ++steps_;
    step.summary.valid = invalid.empty() && generator_in_time(step) && answers_right(step);
    report().capacity->steps.push_back(step.summary);
    const bool keeps = step.summary.valid && step.summary.outcome == Outcome::pass;
    if (keeps &&
        (!report().capacity->best_multiple || multiple > *report().capacity->best_multiple)) {
      report().capacity->best_multiple = multiple;
      report().capacity->best_rate = step.summary.rate;
      shown_ = std::move(step);
      shown_is_kept_ = true;
    } else if (!shown_is_kept_) {
      shown_ = std::move(step);
    }
    return keeps;
  }

  // As judge() will say it of the whole report.
  [[nodiscard]] static Report alone(const Step& step) {
    Report report;
    report.routes = step.routes;
    report.lag = step.lag;
    judge(report);
    return report;
  }
  [[nodiscard]] static bool generator_in_time(const Step& step) {
    const Report report = alone(step);
    return !report.lag_limit || report.lag_p99 <= *report.lag_limit;
  }
  [[nodiscard]] static bool answers_right(const Step& step) {
    return alone(step).invalid_reasons.empty();
  }

  // The report shows the routes of the best step, or of the last one tried if none was kept.
  void finish() {
    report().routes = std::move(shown_.routes);
    report().lag = shown_.lag;
    report().outstanding_peak = shown_.outstanding_peak;
  }

  Report& report() { return what_.report; }

  const Measurement& what_;
  Session& session_;
  std::size_t steps_ = 0;
  std::uint32_t runs_ = 0;  // of all steps
  Step shown_;
  bool shown_is_kept_ = false;
};

}  // namespace

CannotMeasure measure_capacity(const Measurement& what) {
  Report& report = what.report;
  auto session = Session::open(what.options, what.scenario, report.settings.target);
  if (!session) {
    return session.error();
  }
  if (CannotMeasure wrong = (*session)->prepare_target()) {
    return wrong;
  }
  report.settings.io = to_string((*session)->backend());
  report.machine.shared_with_target = (*session)->target_is_here();
  report.capacity.emplace();
  Search(what, **session).run();
  return std::nullopt;
}

}  // namespace sk::bench
