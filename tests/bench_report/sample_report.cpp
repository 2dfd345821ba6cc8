#include "sample_report.h"

#include "bench/report/judge.h"
#include "bench/report/route_recorder.h"

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

namespace sk::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kRuns = 5;
constexpr std::uint32_t kSeconds = 30;

double uniform(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 11) + 0.5) / 9007199254740992.0;
}

Nanoseconds milliseconds(double value) { return Nanoseconds(std::llround(value * 1e6)); }

struct Shape {
  double median_ms;
  double pool_share;  // of requests that wait for a place in the pool
  double pool_ms;
  double failed_share;
};

// A log-normal handler, a database share of it, and a pool that some requests wait for.
void record_route(RouteReport& route, const Shape& shape, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  RouteRecorder recorder(route, 10s);
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    recorder.begin_run(run);
    double at = 0;
    std::uint64_t number = 0;
    while ((at += -std::log(uniform(random)) / route.rate) < kSeconds) {
      const double z =
          std::sqrt(-2 * std::log(uniform(random))) * std::cos(2 * M_PI * uniform(random));
      const double pg = shape.median_ms * 0.7 * std::exp(0.45 * z);
      const double handler = shape.median_ms * 0.2;
      const double outside = 0.05 + 0.1 * uniform(random);
      const double pool =
          uniform(random) < shape.pool_share ? -std::log(uniform(random)) * shape.pool_ms : 0.01;
      const double total = pg + handler + pool + 0.1;
      const std::string timing = fmt::format(
          "route;dur=0.020, worker_wait;dur=0.080, handler;dur={:.3f}, pg_pool;dur={:.3f}, "
          "pg;dur={:.3f};desc=\"a, b\", total;dur={:.3f}",
          handler, pool, pg, total);
      const std::string id = fmt::format("req-{:x}_{:x}", run, number++);
      RequestEnding ending;
      ending.intended = Nanoseconds(std::llround(at * 1e9));
      ending.latency = milliseconds(total + outside);
      ending.status = 200;
      ending.server_timing = timing;
      ending.request_id = id;
      if (uniform(random) < shape.failed_share) {
        ending.status = 503;
        ending.failure = Failure::shed;
        ending.latency = milliseconds(0.3);
        ending.server_timing = {};
      }
      recorder.record(ending);
    }
    recorder.end_run();
  }
}

RouteReport& add_route(Report& report, std::string name, std::string path, double rate) {
  RouteReport& route = report.routes.emplace_back();
  route.name = std::move(name);
  route.method = "GET";
  route.path = std::move(path);
  route.rate = rate;
  return route;
}

Report described(Mode mode) {
  Report report;
  RunSettings& settings = report.settings;
  settings.mode = mode;
  settings.target = "http://127.0.0.1:7500";
  settings.command = "sidekick-bench budgets --config sidekick.toml --target " + settings.target +
                     " --runs 5 --duration 30s --report out.html";
  settings.config = "sidekick.toml";
  settings.io = "io_uring";
  settings.arrivals = "poisson";
  settings.runs = kRuns;
  settings.duration = std::chrono::seconds(kSeconds);
  settings.warm_up = 2s;
  settings.connections = 64;
  settings.outstanding_max = 10'000;
  settings.seed = 7;
  settings.started_at = std::chrono::sys_seconds(1'764'000'000s);
  report.machine = {"build-7", "Example Processor 3000", 2, "Linux 6.12", "1.2.0", true, 0.004};
  std::mt19937_64 random(3);
  for (int i = 0; i < 50'000; ++i) {
    report.lag.record(static_cast<std::uint64_t>(20'000 - 15'000 * std::log(uniform(random))));
  }
  report.outstanding_peak = 41;
  return report;
}

}  // namespace

Report sample_budgets() {
  Report report = described(Mode::budgets);
  report.routes.reserve(4);
  RouteReport& kept = add_route(report, "orders.read", "/orders/${id}", 200);
  kept.budget.limits = {8ms, 40ms, 90ms, 250ms};
  record_route(kept, {5, 0.002, 20, 0}, 1);

  RouteReport& broken = add_route(report, "orders.write", "/orders", 80);
  broken.method = "POST";
  broken.budget.limits = {15ms, 80ms, std::nullopt, 250ms};
  record_route(broken, {9, 0.06, 60, 0.001}, 2);

  RouteReport& few = add_route(report, "search", "/search?q=${word}", 8);
  few.budget.limits = {60ms, 250ms, 400ms, std::nullopt};
  record_route(few, {38, 0, 1, 0}, 3);

  RouteReport& hostile = add_route(report, kHostileName, "/<b>/\x1b[31m", 5);
  record_route(hostile, {2, 0, 1, 0}, 4);
  hostile.stages.front().name = kHostileName;
  judge(report);
  return report;
}

Report sample_capacity() {
  Report report = described(Mode::capacity);
  CapacityReport& capacity = report.capacity.emplace();
  for (const auto& [multiple, measured] :
       {std::pair{1.0, 11.0}, {2.0, 16.0}, {4.0, 71.0}, {3.0, 31.0}, {3.5, 44.0}, {3.25, 36.0}}) {
    CapacityStep& step = capacity.steps.emplace_back();
    step.multiple = multiple;
    step.rate = 500 * multiple;
    step.requests = static_cast<std::uint64_t>(500 * multiple * 30);
    step.outcome = measured <= 40 ? Outcome::pass : Outcome::fail;
    step.route = "orders.read";
    step.measured = milliseconds(measured);
    step.limit = 40ms;
  }
  capacity.best_rate = 1'625;
  capacity.best_multiple = 3.25;
  judge(report);
  return report;
}

Report sample_overload() {
  Report report = described(Mode::overload);
  OverloadReport& overload = report.overload.emplace();
  overload.multiple_of = "the configured rates";
  for (const double multiple : {0.5, 1.0, 1.5, 2.0, 3.0, 4.0}) {
    OverloadPoint& point = overload.points.emplace_back();
    point.multiple = multiple;
    point.offered = 1'000 * multiple;
    point.answered = std::min(point.offered, 1'600.0);
    point.goodput = std::min(point.offered, 1'560 - 10 * multiple);
    point.p50 = milliseconds(4 * multiple);
    point.p99 = milliseconds(30 * multiple);
    point.shed = static_cast<std::uint64_t>((point.offered - point.answered) * 30);
    point.expired = multiple > 1 ? 120 : 0;
  }
  judge(report);
  return report;
}

Report sample_compare() {
  Report report = described(Mode::compare);
  CompareReport& compare = report.compare.emplace();
  compare.a = "http://127.0.0.1:7500 (release 1.1)";
  compare.b = "http://127.0.0.1:7501 (this build)";
  std::mt19937_64 random(9);
  for (const auto& [metric, ratio] : {std::pair{"p50", 0.94}, {"p99", 0.81}, {"p99.9", 1.01}}) {
    CompareMetric& kept = compare.metrics.emplace_back();
    kept.route = "orders.read";
    kept.metric = metric;
    kept.unit = "ms";
    for (int pair = 0; pair < 11; ++pair) {
      const double a = 5 + uniform(random);
      kept.pairs.push_back({a, a * ratio * (0.96 + 0.08 * uniform(random)), true, ""});
    }
    kept.pairs[4].counts = false;
    kept.pairs[4].why_not = "steal 4 %";
  }
  judge(report);
  return report;
}

}  // namespace sk::bench
