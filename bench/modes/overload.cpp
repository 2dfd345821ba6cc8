// Mode overload: what is left of a target that is asked for more than it can bear.
#include "bench/modes/measure.h"
#include "bench/modes/recorder.h"
#include "bench/modes/session.h"

#include <array>
#include <cstdio>
#include <utility>

namespace sk::bench {
namespace {

constexpr std::array kMultiples = {0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0};

OverloadPoint point_of(double multiple, const std::vector<RouteReport>& routes, Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  OverloadPoint point;
  point.multiple = multiple;
  LogLinearHistogram right;
  for (const RouteReport& route : routes) {
    point.offered += route.rate;
    point.answered += static_cast<double>(route.answered) / seconds;
    point.goodput += static_cast<double>(route.in_time) / seconds;
    point.shed += route.failures[index_of(Failure::shed)];
    point.expired += route.failures[index_of(Failure::expired)];
    right.merge(route.latency);
    for (std::size_t i = 0; i < kFailures; ++i) {
      point.failed += is_late(static_cast<Failure>(i)) ? 0 : route.failures[i];
    }
  }
  point.p50 = Nanoseconds(static_cast<std::int64_t>(right.quantile(0.5)));
  point.p99 = Nanoseconds(static_cast<std::int64_t>(right.quantile(0.99)));
  return point;
}

}  // namespace

CannotMeasure measure_overload(const Measurement& what) {
  const Options& options = what.options;
  Report& report = what.report;
  auto session = Session::open(options, what.scenario, report.settings.target);
  if (!session) {
    return session.error();
  }
  if (CannotMeasure wrong = (*session)->prepare_target()) {
    return wrong;
  }
  report.settings.io = to_string((*session)->backend());
  report.machine.shared_with_target = (*session)->target_is_here();
  report.overload.emplace();
  report.overload->multiple_of = "the configured rates";
  std::uint32_t run = 0;
  for (const double multiple : kMultiples) {
    std::vector<RouteReport> routes = empty_reports(what.scenario, multiple);
    Recorder recorder(what.scenario, routes, report.lag, options.timeout, what.raw);
    char label[64];
    std::snprintf(label, sizeof(label), "overload %gx", multiple);
    (*session)->run(multiple, options.duration, run++, recorder, label, report.invalid_reasons,
                    report.outstanding_peak);
    report.overload->points.push_back(point_of(multiple, routes, options.duration));
    if (multiple == 1.0) {
      report.routes = std::move(routes);  // the report shows in full what the budgets are meant for
    }
    if (!report.invalid_reasons.empty()) {
      break;
    }
  }
  return std::nullopt;
}

}  // namespace sk::bench
