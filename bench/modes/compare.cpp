// Mode compare: two targets or two builds, side by side in time.
//
// Pairs run A B, B A, A B ...: what drifts with time hits both alike. Each pair gives one ratio per
// metric; never are two averages divided. A build is started anew for each of its runs, so that
// the luck of one process (addresses, memory) is not taken for the build's.
#include "bench/generator/random.h"
#include "bench/modes/build_under_test.h"
#include "bench/modes/machine.h"
#include "bench/modes/measure.h"
#include "bench/modes/recorder.h"
#include "bench/modes/session.h"
#include "bench/report/judge.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace sk::bench {
namespace {

using std::chrono_literals::operator""s;

constexpr double kStealMax = 0.02;  // of all processor time, beyond which a pair does not count
constexpr Duration kUpPatience = 30s;

bool is_url(const std::string& side) { return side.find("://") != std::string::npos; }

// One run of one side.
struct SideRun {
  std::vector<RouteReport> routes;
  bool valid = true;
  std::string why_not;
};

class Comparison {
 public:
  Comparison(const Measurement& what, bool builds) : what_(what), builds_(builds) {}

  CannotMeasure run() {
    const Options& options = what_.options;
    for (std::uint32_t pair = 0; pair < options.runs; ++pair) {
      const ProcessorTime before = ProcessorTime::now();
      SideRun a;
      SideRun b;
      const bool a_first = pair % 2 == 0;
      for (int turn = 0; turn < 2; ++turn) {
        const bool now_a = (turn == 0) == a_first;
        if (CannotMeasure wrong = run_side(now_a, pair, now_a ? a : b)) {
          return wrong;
        }
      }
      note_pair(a, b, before.stolen_until(ProcessorTime::now()));
    }
    return std::nullopt;
  }

 private:
  // What a build says while it is measured: a file beside the report.
  std::string log_of(bool side_a) const {
    const Options& options = what_.options;
    const std::string& beside = options.report.empty() ? options.json : options.report;
    return std::filesystem::path(beside).replace_filename(side_a ? "sidekick-bench-a.log"
                                                                 : "sidekick-bench-b.log");
  }

  CannotMeasure run_side(bool side_a, std::uint32_t pair, SideRun& out) {
    const Options& options = what_.options;
    const std::string& side = side_a ? options.a : options.b;
    std::optional<BuildUnderTest> build;
    if (builds_) {
      Result<BuildUnderTest> started = BuildUnderTest::start(side, options.config, log_of(side_a));
      if (!started) {
        return side + ": " + describe(started.error());
      }
      build.emplace(std::move(*started));
    }
    // Values of its own: what one run has written the next must not write again.
    Options of_run = options;
    of_run.seed = Random(options.seed + pair * 2 + (side_a ? 0 : 1)).next();
    auto session =
        Session::open(of_run, what_.scenario, builds_ ? what_.report.settings.target : side);
    if (!session) {
      return session.error();
    }
    if (builds_ && !(*session)->wait_until_up(kUpPatience)) {
      return side + ": " + (build->running() ? "does not answer" : "has ended") + "; see " +
             log_of(side_a);
    }
    if (CannotMeasure wrong = (*session)->prepare_target()) {
      return wrong;
    }
    what_.report.settings.io = to_string((*session)->backend());
    what_.report.machine.shared_with_target = (*session)->target_is_here();
    out.routes = empty_reports(what_.scenario, 1.0);
    Report alone;
    Recorder recorder(what_.scenario, out.routes, alone.lag, options.timeout, what_.raw);
    const std::string label = "pair " + std::to_string(pair + 1) + " of " +
                              std::to_string(options.runs) + ", " + (side_a ? "A" : "B");
    (*session)->run(1.0, options.duration, pair * 2 + (side_a ? 0 : 1), recorder, label,
                    alone.invalid_reasons, what_.report.outstanding_peak);
    what_.report.lag.merge(alone.lag);
    alone.routes = out.routes;
    judge(alone);
    if (!alone.valid()) {
      out.valid = false;
      out.why_not = std::string(side_a ? "A: " : "B: ") + alone.invalid_reasons.front();
    }
    return std::nullopt;
  }

  CompareMetric& metric(const std::string& route, const char* name, const char* unit) {
    for (CompareMetric& known : what_.report.compare->metrics) {
      if (known.route == route && known.metric == name) {
        return known;
      }
    }
    CompareMetric& made = what_.report.compare->metrics.emplace_back();
    made.route = route;
    made.metric = name;
    made.unit = unit;
    return made;
  }

  void note_pair(const SideRun& a, const SideRun& b, std::optional<double> stolen) {
    ComparePair pair;
    pair.counts = a.valid && b.valid;
    pair.why_not = a.valid ? b.why_not : a.why_not;
    if (stolen && *stolen > kStealMax) {
      char text[32];
      std::snprintf(text, sizeof(text), "steal %.0f %%", *stolen * 100);
      pair.counts = false;
      pair.why_not = text;
    }
    const double seconds = std::chrono::duration<double>(what_.options.duration).count();
    const auto ms_at = [](const RouteReport& route, double quantile) {
      return static_cast<double>(route.latency.quantile(quantile)) / 1e6;
    };
    const auto add = [&](const std::string& route, const char* name, const char* unit, double of_a,
                         double of_b) {
      pair.a = of_a;
      pair.b = of_b;
      metric(route, name, unit).pairs.push_back(pair);
    };
    for (std::size_t i = 0; i < a.routes.size(); ++i) {
      const RouteReport& left = a.routes[i];
      const RouteReport& right = b.routes[i];
      add(left.name, "p50", "ms", ms_at(left, 0.5), ms_at(right, 0.5));
      add(left.name, "p99", "ms", ms_at(left, 0.99), ms_at(right, 0.99));
      add(left.name, "goodput", "/s", static_cast<double>(left.in_time) / seconds,
          static_cast<double>(right.in_time) / seconds);
    }
  }

  const Measurement& what_;
  const bool builds_;
};

}  // namespace

CannotMeasure measure_compare(const Measurement& what) {
  const Options& options = what.options;
  what.report.compare.emplace();
  what.report.compare->a = options.a;
  what.report.compare->b = options.b;
  CannotMeasure wrong = Comparison(what, !is_url(options.a)).run();
  const auto counted = [](const CompareMetric& metric) {
    return std::ranges::any_of(metric.pairs, &ComparePair::counts);
  };
  if (!wrong && !std::ranges::any_of(what.report.compare->metrics, counted)) {
    const auto& metrics = what.report.compare->metrics;
    what.report.invalid_reasons.push_back(
        "no pair counts" +
        (metrics.empty() ? std::string() : ": " + metrics.front().pairs.front().why_not));
  }
  return wrong;
}

}  // namespace sk::bench
