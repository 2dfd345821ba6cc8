#include "bench/report/json.h"

#include "net/core/struct_fields.h"

#include "app/json_writer.h"

#include "bench/report/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {
namespace {

double ms(Nanoseconds duration) { return static_cast<double>(duration.count()) / 1e6; }
double ms(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

// The document's shape. Names are those of the fields.

struct JsonLatency {
  std::uint64_t count = 0;
  double min_ms = 0;
  double mean_ms = 0;
  double p50_ms = 0;
  double p90_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double p9999_ms = 0;
  double max_ms = 0;
};
SK_FIELDS(JsonLatency, count, min_ms, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, p9999_ms, max_ms)

struct JsonTopStage {
  std::string_view name;
  double share = 0;
};
SK_FIELDS(JsonTopStage, name, share)

struct JsonVerdict {
  std::string_view level;
  std::string_view outcome;
  double limit_ms = 0;
  double measured_ms = 0;
  double allowed_share = 0;
  std::uint64_t requests = 0;
  std::uint64_t exceedances = 0;
  double inflation = 1;
  double effective_requests = 0;
  std::optional<std::uint64_t> pass_max;
  std::optional<std::uint64_t> fail_min;
  std::uint32_t runs = 0;
  std::uint32_t runs_within = 0;
  std::string_view reason;
  std::optional<std::uint64_t> requests_needed;
  std::optional<JsonTopStage> top_stage;
};
SK_FIELDS(JsonVerdict, level, outcome, limit_ms, measured_ms, allowed_share, requests, exceedances,
          inflation, effective_requests, pass_max, fail_min, runs, runs_within, reason,
          requests_needed, top_stage)

struct JsonStage {
  std::string_view name;
  std::uint64_t count = 0;
  double sum_ms = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
};
SK_FIELDS(JsonStage, name, count, sum_ms, p50_ms, p99_ms, max_ms)

struct JsonStageTime {
  std::string_view name;
  double duration_ms = 0;
};
SK_FIELDS(JsonStageTime, name, duration_ms)

struct JsonWorst {
  std::uint32_t run = 0;
  double intended_ms = 0;
  double latency_ms = 0;
  std::uint16_t status = 0;
  std::optional<std::string_view> failure;
  std::string_view request_id;
  std::vector<JsonStageTime> stages;
};
SK_FIELDS(JsonWorst, run, intended_ms, latency_ms, status, failure, request_id, stages)

struct JsonSecond {
  std::uint32_t run = 0;
  std::uint32_t second = 0;
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
};
SK_FIELDS(JsonSecond, run, second, requests, failed, p50_ms, p99_ms, max_ms)

struct JsonRoute {
  std::string_view name;
  std::string_view method;
  std::string_view path;
  std::string_view outcome;
  double rate = 0;
  std::map<std::string, double> budget_ms;
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;
  std::uint64_t in_time = 0;
  std::map<std::string, std::uint64_t> failures;
  std::map<std::string, std::uint64_t> statuses;
  JsonLatency latency;
  std::vector<JsonVerdict> verdicts;
  std::vector<JsonStage> stages;
  std::vector<JsonWorst> worst;
  std::vector<JsonSecond> seconds;
};
SK_FIELDS(JsonRoute, name, method, path, outcome, rate, budget_ms, requests, answered, in_time,
          failures, statuses, latency, verdicts, stages, worst, seconds)

struct JsonCapacityStep {
  double multiple = 0;
  double rate = 0;
  std::uint64_t requests = 0;
  std::string_view outcome;
  bool valid = true;
  std::string_view route;
  std::string_view level;
  double measured_ms = 0;
  double limit_ms = 0;
};
SK_FIELDS(JsonCapacityStep, multiple, rate, requests, outcome, valid, route, level, measured_ms,
          limit_ms)

struct JsonCapacity {
  std::optional<double> best_rate;
  std::optional<double> best_multiple;
  std::vector<JsonCapacityStep> steps;
};
SK_FIELDS(JsonCapacity, best_rate, best_multiple, steps)

struct JsonOverloadPoint {
  double multiple = 0;
  double offered = 0;
  double answered = 0;
  double goodput = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  std::uint64_t shed = 0;
  std::uint64_t expired = 0;
  std::uint64_t failed = 0;
};
SK_FIELDS(JsonOverloadPoint, multiple, offered, answered, goodput, p50_ms, p99_ms, shed, expired,
          failed)

struct JsonOverload {
  std::string_view multiple_of;
  std::vector<JsonOverloadPoint> points;
};
SK_FIELDS(JsonOverload, multiple_of, points)

struct JsonPair {
  double a = 0;
  double b = 0;
  bool counts = true;
  std::string_view why_not;
};
SK_FIELDS(JsonPair, a, b, counts, why_not)

struct JsonMetric {
  std::string_view route;
  std::string_view metric;
  std::string_view unit;
  std::uint32_t pairs_counted = 0;
  double ratio = 0;
  double ratio_low = 0;
  double ratio_high = 0;
  double confidence = 0;
  bool differs = false;
  std::vector<JsonPair> pairs;
};
SK_FIELDS(JsonMetric, route, metric, unit, pairs_counted, ratio, ratio_low, ratio_high, confidence,
          differs, pairs)

struct JsonCompare {
  std::string_view a;
  std::string_view b;
  std::vector<JsonMetric> metrics;
};
SK_FIELDS(JsonCompare, a, b, metrics)

struct JsonSettings {
  std::string_view mode;
  std::string_view command;
  std::string_view target;
  std::string_view config;
  std::string_view scenario;
  std::string_view io;
  std::string_view arrivals;
  std::uint32_t runs = 0;
  double duration_s = 0;
  double warm_up_s = 0;
  std::uint32_t connections = 0;
  std::uint64_t outstanding_max = 0;
  std::uint64_t seed = 0;
  std::chrono::sys_seconds started_at{};
};
SK_FIELDS(JsonSettings, mode, command, target, config, scenario, io, arrivals, runs, duration_s,
          warm_up_s, connections, outstanding_max, seed, started_at)

struct JsonMachine {
  std::string_view host;
  std::string_view processor;
  std::uint32_t cores = 0;
  std::string_view kernel;
  std::string_view version;
  bool shared_with_target = false;
  std::optional<double> steal_share;
};
SK_FIELDS(JsonMachine, host, processor, cores, kernel, version, shared_with_target, steal_share)

struct JsonGenerator {
  JsonLatency lag;
  std::optional<double> lag_limit_ms;
  std::uint64_t outstanding_peak = 0;
};
SK_FIELDS(JsonGenerator, lag, lag_limit_ms, outstanding_peak)

struct JsonReport {
  int format = kJsonFormat;
  std::string_view outcome;
  int exit_code = 0;
  std::vector<std::string> invalid_reasons;
  JsonSettings settings;
  JsonMachine machine;
  JsonGenerator generator;
  std::vector<JsonRoute> routes;
  std::optional<JsonCapacity> capacity;
  std::optional<JsonOverload> overload;
  std::optional<JsonCompare> compare;
};
SK_FIELDS(JsonReport, format, outcome, exit_code, invalid_reasons, settings, machine, generator,
          routes, capacity, overload, compare)

// From the model to that shape. The views point into the report.

JsonLatency latency_of(const LogLinearHistogram& histogram) {
  return {histogram.count(),
          ms(histogram.min()),
          histogram.mean() / 1e6,
          ms(histogram.quantile(0.5)),
          ms(histogram.quantile(0.9)),
          ms(histogram.quantile(0.99)),
          ms(histogram.quantile(0.999)),
          ms(histogram.quantile(0.9999)),
          ms(histogram.max())};
}

JsonVerdict verdict_of(const LevelVerdict& verdict) {
  JsonVerdict out;
  out.level = to_string(verdict.level);
  out.outcome = to_string(verdict.outcome);
  out.limit_ms = ms(verdict.limit);
  out.measured_ms = ms(verdict.measured);
  out.allowed_share = allowed_share(verdict.level);
  out.requests = verdict.requests;
  out.exceedances = verdict.exceedances;
  out.inflation = verdict.inflation;
  out.effective_requests = verdict.effective_requests;
  out.pass_max = verdict.pass_max;
  out.fail_min = verdict.fail_min;
  out.runs = verdict.runs;
  out.runs_within = verdict.runs_within;
  out.reason = verdict.reason;
  out.requests_needed = verdict.requests_needed;
  if (verdict.top_stage) {
    out.top_stage = JsonTopStage{verdict.top_stage->name, verdict.top_stage->share};
  }
  return out;
}

JsonWorst worst_of(const RouteReport& route, const WorstRequest& request) {
  JsonWorst out;
  out.run = request.run;
  out.intended_ms = ms(request.intended);
  out.latency_ms = ms(request.latency);
  out.status = request.status;
  if (request.failure) {
    out.failure = to_string(*request.failure);
  }
  out.request_id = request.request_id;
  for (const StageTime& time : request.ledger) {
    out.stages.push_back({route.stages[time.stage].name, ms(time.duration)});
  }
  return out;
}

JsonRoute route_of(const RouteReport& route) {
  JsonRoute out;
  out.name = route.name;
  out.method = route.method;
  out.path = route.path;
  out.outcome = to_string(route.outcome);
  out.rate = route.rate;
  for (const BudgetLevel level : kAllBudgetLevels) {
    if (const auto& limit = route.budget.limit(level)) {
      out.budget_ms.emplace(to_string(level), ms(*limit));
    }
  }
  out.requests = route.requests;
  out.answered = route.answered;
  out.in_time = route.in_time;
  for (std::size_t i = 0; i < kFailures; ++i) {
    if (route.failures[i] > 0) {
      out.failures.emplace(to_string(static_cast<Failure>(i)), route.failures[i]);
    }
  }
  for (const auto& [status, count] : route.statuses) {
    out.statuses.emplace(std::to_string(status), count);
  }
  out.latency = latency_of(route.latency);
  for (const LevelVerdict& verdict : route.verdicts) {
    out.verdicts.push_back(verdict_of(verdict));
  }
  for (const StageReport& stage : route.stages) {
    out.stages.push_back({stage.name, stage.duration.count(), ms(stage.duration.sum()),
                          ms(stage.duration.quantile(0.5)), ms(stage.duration.quantile(0.99)),
                          ms(stage.duration.max())});
  }
  for (const WorstRequest& request : route.worst) {
    out.worst.push_back(worst_of(route, request));
  }
  for (const SecondRecord& second : route.seconds) {
    out.seconds.push_back({second.run, second.second, second.requests, second.failed,
                           ms(second.latency.quantile(0.5)), ms(second.latency.quantile(0.99)),
                           ms(second.latency.max())});
  }
  return out;
}

JsonCapacity capacity_of(const CapacityReport& capacity) {
  JsonCapacity out{capacity.best_rate, capacity.best_multiple, {}};
  for (const CapacityStep& step : capacity.steps) {
    out.steps.push_back({step.multiple, step.rate, step.requests, to_string(step.outcome),
                         step.valid, step.route, to_string(step.level), ms(step.measured),
                         ms(step.limit)});
  }
  return out;
}

JsonOverload overload_of(const OverloadReport& overload) {
  JsonOverload out{overload.multiple_of, {}};
  for (const OverloadPoint& point : overload.points) {
    out.points.push_back({point.multiple, point.offered, point.answered, point.goodput,
                          ms(point.p50), ms(point.p99), point.shed, point.expired, point.failed});
  }
  return out;
}

JsonCompare compare_of(const CompareReport& compare) {
  JsonCompare out{compare.a, compare.b, {}};
  for (const CompareMetric& metric : compare.metrics) {
    JsonMetric& kept = out.metrics.emplace_back(JsonMetric{metric.route,
                                                           metric.metric,
                                                           metric.unit,
                                                           metric.pairs_counted,
                                                           metric.ratio,
                                                           metric.ratio_low,
                                                           metric.ratio_high,
                                                           metric.confidence,
                                                           metric.differs,
                                                           {}});
    for (const ComparePair& pair : metric.pairs) {
      kept.pairs.push_back({pair.a, pair.b, pair.counts, pair.why_not});
    }
  }
  return out;
}

JsonSettings settings_of(const RunSettings& settings) {
  return {to_string(settings.mode),
          settings.command,
          settings.target,
          settings.config,
          settings.scenario,
          settings.io,
          settings.arrivals,
          settings.runs,
          std::chrono::duration<double>(settings.duration).count(),
          std::chrono::duration<double>(settings.warm_up).count(),
          settings.connections,
          settings.outstanding_max,
          settings.seed,
          settings.started_at};
}

}  // namespace

std::string report_json(const Report& report) {
  JsonReport out;
  out.outcome = overall_text(report);
  out.exit_code = exit_code(report);
  out.invalid_reasons = report.invalid_reasons;
  out.settings = settings_of(report.settings);
  const Machine& machine = report.machine;
  out.machine = {machine.host,    machine.processor,          machine.cores,      machine.kernel,
                 machine.version, machine.shared_with_target, machine.steal_share};
  out.generator.lag = latency_of(report.lag);
  if (report.lag_limit) {
    out.generator.lag_limit_ms = ms(*report.lag_limit);
  }
  out.generator.outstanding_peak = report.outstanding_peak;
  for (const RouteReport& route : report.routes) {
    out.routes.push_back(route_of(route));
  }
  if (report.capacity) {
    out.capacity = capacity_of(*report.capacity);
  }
  if (report.overload) {
    out.overload = overload_of(*report.overload);
  }
  if (report.compare) {
    out.compare = compare_of(*report.compare);
  }
  return app::to_json(out) + "\n";
}

}  // namespace sk::bench
