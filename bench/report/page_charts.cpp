#include "bench/report/page_charts.h"

#include "bench/report/html.h"
#include "bench/report/svg_chart.h"
#include "bench/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace sk::bench {
namespace {

constexpr std::size_t kStageColours = 10;
// Points of a line over time: of more seconds than that neighbours are joined.
constexpr std::size_t kTimePointsMax = 600;
constexpr std::size_t kCompareRowsMax = 24;

double as_double(Nanoseconds duration) { return static_cast<double>(duration.count()); }
Nanoseconds as_duration(double nanoseconds) {
  return Nanoseconds(static_cast<std::int64_t>(std::llround(nanoseconds)));
}

std::string figure(std::string_view title, std::string_view svg, std::string_view caption) {
  return fmt::format("<figure><h4>{}</h4>{}<figcaption>{}</figcaption></figure>\n", title, svg,
                     caption);
}

std::string swatch(std::string_view css_class, std::string_view text) {
  return fmt::format(R"(<span class="key"><i class="swatch {}"></i>{}</span> )", css_class, text);
}

// A logarithmic axis of durations around all given values (in ns).
Axis duration_axis(double low, double high) {
  low = std::max(1.0, low);
  high = std::max(high, low * 2);
  Axis axis;
  axis.label = "latency";
  axis.logarithmic = true;
  axis.low = low / 1.3;
  axis.high = high * 1.3;
  axis.ticks = ticks_of(axis.low, axis.high, true,
                        [](double value) { return duration_text(as_duration(value)); });
  return axis;
}

// The limits as a staircase over quantiles: up to 50 % the p50 rules, from there to 99 % the p99,
// and so on. The deadline is the roof of all.
struct Step {
  BudgetLevel level;
  double quantile;  // up to which it rules
  double limit;     // ns
};

std::vector<Step> staircase(const Budget& budget) {
  std::vector<Step> steps;
  for (const BudgetLevel level : kAllBudgetLevels) {
    if (const auto& limit = budget.limit(level)) {
      const double quantile = level == BudgetLevel::deadline ? 1 : quantile_of(level);
      steps.push_back({level, quantile, as_double(*limit)});
    }
  }
  return steps;
}

// A share q stands at log10(1 / (1 - q)): each further nine has the same room.
double nines(double quantile) { return -std::log10(std::max(1e-12, 1 - quantile)); }

// The charts' seconds: runs one after the other, seconds where there were requests.
struct TimePoint {
  double x;
  double p50;
  double p99;
  std::uint32_t run;
};

std::vector<TimePoint> over_time(const std::vector<SecondRecord>& seconds) {
  std::vector<TimePoint> points;
  const std::size_t join = seconds.size() / kTimePointsMax + 1;
  double start = 0;  // of the current run on the axis
  double end = 0;
  std::size_t joined = 0;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const SecondRecord& second = seconds[i];
    const bool new_run = i > 0 && second.run != seconds[i - 1].run;
    if (new_run) {
      start = end;
      joined = 0;
    }
    const double x = start + second.second;
    end = x + 1;
    if (second.latency.count() == 0) {
      continue;
    }
    const TimePoint point{x + 0.5, static_cast<double>(second.latency.quantile(0.5)),
                          static_cast<double>(second.latency.quantile(0.99)), second.run};
    if (joined == 0) {
      points.push_back(point);
    } else {
      points.back().p50 = std::max(points.back().p50, point.p50);
      points.back().p99 = std::max(points.back().p99, point.p99);
    }
    joined = (joined + 1) % join;
  }
  return points;
}

std::string stage_rect(std::size_t stage, double x, double width, double height,
                       std::string_view tooltip) {
  return fmt::format(
      R"(<rect class="{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>)",
      stage_class(stage), x, std::max(0.0, width), height, html_text(tooltip));
}

// One row of the stages' figure: how much of the mean request each stage takes.
struct StageRow {
  std::string label;
  std::vector<double> means;  // ns, by stage
};

std::vector<StageRow> stage_rows(const RouteReport& route) {
  std::vector<StageRow> rows;
  std::uint64_t told = 0;
  for (const StageReport& stage : route.stages) {
    told = std::max(told, stage.duration.count());
  }
  StageRow all{"all requests", {}};
  for (const StageReport& stage : route.stages) {
    all.means.push_back(
        told == 0 ? 0 : static_cast<double>(stage.duration.sum()) / static_cast<double>(told));
  }
  rows.push_back(std::move(all));
  for (const BudgetLevel level : kAllBudgetLevels) {
    const std::uint64_t exceeding = route.over[index_of(level)];
    if (!route.budget.limit(level) || exceeding == 0) {
      continue;
    }
    StageRow row{fmt::format("beyond {}", to_string(level)), {}};
    for (const StageReport& stage : route.stages) {
      row.means.push_back(as_double(stage.over[index_of(level)]) / static_cast<double>(exceeding));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string stage_class(std::size_t stage) { return fmt::format("s{}", stage % kStageColours); }

std::string percentile_figure(const RouteReport& route, std::string_view id) {
  const LogLinearHistogram& histogram = route.latency;
  if (histogram.count() == 0) {
    return "";
  }
  const double count = static_cast<double>(histogram.count());
  const double end = std::max(std::log10(count), nines(0.99));
  std::vector<Point> curve;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < LogLinearHistogram::kBuckets; ++i) {
    if (histogram.count_at(i) == 0) {
      continue;
    }
    const auto edge = static_cast<double>(
        std::clamp(LogLinearHistogram::upper_edge(i), histogram.min(), histogram.max()));
    curve.push_back({nines(static_cast<double>(seen) / count), edge});
    seen += histogram.count_at(i);
    curve.push_back({std::min(end, nines(static_cast<double>(seen) / count)), edge});
  }
  curve.back() = {std::min(end, std::log10(count)), static_cast<double>(histogram.max())};

  const std::vector<Step> steps = staircase(route.budget);
  double low = static_cast<double>(histogram.min());
  double high = static_cast<double>(histogram.max());
  for (const Step& step : steps) {
    low = std::min(low, step.limit);
    high = std::max(high, step.limit);
  }
  Axis x{"share of requests that were at least this fast", 0, end, false, {}};
  for (const auto& [quantile, label] : {std::pair{0.0, "0 %"},
                                        {0.5, "50 %"},
                                        {0.9, "90 %"},
                                        {0.99, "99 %"},
                                        {0.999, "99.9 %"},
                                        {0.9999, "99.99 %"},
                                        {0.99999, "99.999 %"}}) {
    if (nines(quantile) <= end + 1e-9) {
      x.ticks.push_back({nines(quantile), label});
    }
  }

  std::string description =
      fmt::format("Median {}, 99 percent {}, longest {}.",
                  duration_text(as_duration(static_cast<double>(histogram.quantile(0.5)))),
                  duration_text(as_duration(static_cast<double>(histogram.quantile(0.99)))),
                  duration_text(as_duration(high)));
  SvgChart chart(fmt::format("{}-percentiles", id),
                 fmt::format("Latency by percentile, {}", display_name(route.name)), description, x,
                 duration_axis(low, high));
  std::vector<Point> stairs;
  double from = 0;
  for (const Step& step : steps) {
    const double to = std::min(end, nines(step.quantile));
    stairs.push_back({from, step.limit});
    stairs.push_back({to, step.limit});
    from = to;
  }
  chart.area_above(stairs, "beyond");
  chart.line(stairs, "budget");
  chart.line(curve, "p99");
  from = 0;
  for (const Step& step : steps) {
    const double to = std::min(end, nines(step.quantile));
    const std::string text =
        fmt::format("{} {}", to_string(step.level), duration_text(as_duration(step.limit)));
    // On the step where that is long enough, else beside its end.
    const bool fits = (to - from) / end > 0.2;
    chart.label({to, step.limit}, fits ? -6 : 6, fits ? -6 : 4, fits ? "end" : "start", text,
                "budget-label");
    from = to;
  }
  std::string caption = swatch("p99", "measured");
  if (!steps.empty()) {
    caption += swatch("budget", "budget: the curve must stay below the staircase");
  }
  return figure("Percentiles", chart.svg(), caption);
}

std::string time_figure(const RouteReport& route, std::string_view id) {
  const std::vector<TimePoint> points = over_time(route.seconds);
  if (points.empty()) {
    return "";
  }
  double low = points.front().p50;
  double high = 0;
  for (const TimePoint& point : points) {
    low = std::min(low, point.p50);
    high = std::max(high, point.p99);
  }
  for (const BudgetLevel level : {BudgetLevel::p50, BudgetLevel::p99}) {
    if (const auto& limit = route.budget.limit(level)) {
      high = std::max(high, as_double(*limit));
      low = std::min(low, as_double(*limit));
    }
  }
  Axis x{"seconds, runs one after the other", 0, std::max(1.0, points.back().x + 0.5), false, {}};
  x.ticks = ticks_of(x.low, x.high, false, [](double value) { return number_text(value); });
  SvgChart chart(fmt::format("{}-time", id),
                 fmt::format("Latency over time, {}", display_name(route.name)),
                 fmt::format("Median and 99th percentile of each second over {} seconds.",
                             number_text(std::ceil(x.high))),
                 x, duration_axis(low, high));
  std::vector<Point> p50;
  std::vector<Point> p99;
  const auto draw = [&] {
    chart.line(p99, "p99");
    chart.line(p50, "p50");
    p50.clear();
    p99.clear();
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0 && points[i].run != points[i - 1].run) {
      draw();
      chart.vertical((points[i].x + points[i - 1].x) / 2, "run-border");
    }
    p50.push_back({points[i].x, points[i].p50});
    p99.push_back({points[i].x, points[i].p99});
  }
  draw();
  for (const BudgetLevel level : {BudgetLevel::p50, BudgetLevel::p99}) {
    if (const auto& limit = route.budget.limit(level)) {
      chart.horizontal(as_double(*limit), "budget");
      chart.label({x.high, as_double(*limit)}, -4, -5, "end",
                  fmt::format("{} budget", to_string(level)), "budget-label");
    }
  }
  return figure(
      "Over time", chart.svg(),
      swatch("p50", "p50") + swatch("p99", "p99 of each second") + swatch("budget", "budget"));
}

std::string stages_figure(const RouteReport& route, std::string_view id) {
  if (route.stages.empty()) {
    return "";
  }
  const std::vector<StageRow> rows = stage_rows(route);
  double longest = 1;
  for (const StageRow& row : rows) {
    double sum = 0;
    for (const double mean : row.means) {
      sum += mean;
    }
    longest = std::max(longest, sum);
  }
  constexpr double kWidth = 1060;  // as wide as the page, so that its text has the page's size
  constexpr double kLabel = 110;
  constexpr double kBar = 860;
  constexpr double kRow = 34;
  const double height = kRow * static_cast<double>(rows.size());
  std::string svg = fmt::format(
      R"(<svg class="chart stages" id="{0}-stages" viewBox="0 0 {3} {1}" role="img" )"
      R"(aria-labelledby="{0}-stages-t {0}-stages-d"><title id="{0}-stages-t">Stages, {2}</title>)"
      R"(<desc id="{0}-stages-d">How long the mean request spends in each stage; the table )"
      R"(has the numbers.</desc>)",
      id, height, html_name(route.name), kWidth);
  double y = 0;
  for (const StageRow& row : rows) {
    svg += fmt::format(R"(<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>)",
                       kLabel - 10, y + 20, html_text(row.label));
    svg += fmt::format(R"svg(<g transform="translate({} {})">)svg", kLabel, y + 5);
    double x = 0;
    for (std::size_t i = 0; i < row.means.size(); ++i) {
      const double width = row.means[i] / longest * kBar;
      svg += stage_rect(i, x, width, 22,
                        fmt::format("{}: {}", display_name(route.stages[i].name),
                                    duration_text(as_duration(row.means[i]))));
      x += width;
    }
    double sum = 0;
    for (const double mean : row.means) {
      sum += mean;
    }
    svg += fmt::format(R"(<text class="tick" x="{:.1f}" y="15">{}</text></g>)", x + 8,
                       duration_text(as_duration(sum)));
    y += kRow;
  }
  svg += "</svg>";
  std::string caption = "Mean time per request: ";
  for (std::size_t i = 0; i < route.stages.size(); ++i) {
    caption += swatch(stage_class(i), html_name(route.stages[i].name));
  }
  return figure("Stages", svg, caption);
}

std::string ledger_bar(const RouteReport& route, const WorstRequest& request, Nanoseconds scale) {
  constexpr double kWidth = 220;
  const double whole = std::max(1.0, as_double(scale));
  std::string svg = fmt::format(
      R"(<svg class="ledger" viewBox="0 0 {0} 14" width="{0}" height="14" aria-hidden="true">)"
      R"(<rect class="unknown" x="0" y="0" width="{1:.1f}" height="14"/>)",
      kWidth, std::min(1.0, as_double(request.latency) / whole) * kWidth);
  double x = 0;
  for (const StageTime& time : request.ledger) {
    const double width =
        std::min(kWidth - x, std::max(0.0, as_double(time.duration)) / whole * kWidth);
    svg += stage_rect(time.stage, x, width, 14, display_name(route.stages[time.stage].name));
    x += width;
  }
  return svg + "</svg>";
}

std::string capacity_figure(const CapacityReport& capacity) {
  if (capacity.steps.empty()) {
    return "";
  }
  double rate_max = 1;
  double ratio_max = 1.5;
  const auto ratio_of = [](const CapacityStep& step) {
    return step.limit.count() > 0 ? as_double(step.measured) / as_double(step.limit) : 0;
  };
  for (const CapacityStep& step : capacity.steps) {
    rate_max = std::max(rate_max, step.rate);
    ratio_max = std::max(ratio_max, ratio_of(step));
  }
  Axis x{"requests per second, all routes", 0, rate_max * 1.05, false, {}};
  x.ticks = ticks_of(x.low, x.high, false, [](double value) { return rate_text(value); });
  Axis y{"measured / limit", 0, std::min(4.0, ratio_max * 1.1), false, {}};
  y.ticks = ticks_of(y.low, y.high, false, [](double value) { return number_text(value); });
  SvgChart chart("capacity", "Capacity: the rates that were tried",
                 capacity.best_rate ? fmt::format("{} is the highest rate that kept every budget.",
                                                  rate_text(*capacity.best_rate))
                                    : std::string("No rate kept every budget."),
                 x, y);
  chart.horizontal(1, "budget");
  chart.label({x.high, 1}, -4, -6, "end", "limit", "budget-label");
  if (capacity.best_rate) {
    chart.vertical(*capacity.best_rate, "best");
  }
  for (const CapacityStep& step : capacity.steps) {
    const bool kept = step.valid && step.outcome == Outcome::pass;
    chart.dot({step.rate, ratio_of(step)}, kept ? "kept" : "broken",
              fmt::format("{}: {}", rate_text(step.rate), kept ? "kept" : "not kept"));
  }
  return figure("Capacity", chart.svg(),
                swatch("kept", "every budget kept") + swatch("broken", "not kept") +
                    "The level nearest to its limit, at each rate that was tried.");
}

std::string overload_figure(const OverloadReport& overload) {
  if (overload.points.empty()) {
    return "";
  }
  std::vector<Point> offered;
  std::vector<Point> answered;
  std::vector<Point> goodput;
  double high = 1;
  for (const OverloadPoint& point : overload.points) {
    offered.push_back({point.multiple, point.offered});
    answered.push_back({point.multiple, point.answered});
    goodput.push_back({point.multiple, point.goodput});
    high = std::max({high, point.offered, point.answered});
  }
  Axis x{fmt::format("offered, times {}", overload.multiple_of),
         0,
         std::max(1.0, overload.points.back().multiple * 1.03),
         false,
         {}};
  x.ticks = ticks_of(x.low, x.high, false, [](double value) { return number_text(value) + "x"; });
  Axis y{"requests per second", 0, high * 1.05, false, {}};
  y.ticks = ticks_of(y.low, y.high, false, [](double value) { return rate_text(value); });
  SvgChart chart("overload", "Goodput against offered load",
                 "Goodput is what was answered as expected and in time, per second.", x, y);
  chart.line(offered, "budget");
  chart.line(answered, "p50");
  chart.line(goodput, "good");
  for (const Point& point : goodput) {
    chart.dot(point, "kept", rate_text(point.y));
  }
  return figure("Overload", chart.svg(),
                swatch("budget", "offered") + swatch("p50", "answered") +
                    swatch("good",
                           "goodput: as expected and in time. It should not fall "
                           "where the offered load goes on rising"));
}

std::string compare_figure(const CompareReport& compare) {
  std::vector<const CompareMetric*> shown;
  for (const CompareMetric& metric : compare.metrics) {
    if (metric.pairs_counted > 0 && shown.size() < kCompareRowsMax) {
      shown.push_back(&metric);
    }
  }
  if (shown.empty()) {
    return "";
  }
  double low = 0.9;
  double high = 1.1;
  for (const CompareMetric* metric : shown) {
    low = std::min(low, metric->ratio_low * 0.97);
    high = std::max(high, metric->ratio_high * 1.03);
  }
  Axis x{"B / A, median of the pairs and its interval",
         std::max(low, 1e-3),
         std::min(high, 1e3),
         true,
         {}};
  x.ticks =
      ticks_of(x.low, x.high, false, [](double value) { return fmt::format("{:.3g}", value); });
  Axis y{"", 0, static_cast<double>(shown.size()), false, {}};
  SvgChart chart("compare", "Ratios with their intervals",
                 "An interval that does not hold 1 says that A and B differ.", x, y);
  chart.vertical(1, "budget");
  double row = static_cast<double>(shown.size()) - 0.5;
  for (const CompareMetric* metric : shown) {
    const std::string_view css = metric->differs ? "differs" : "same";
    chart.interval(metric->ratio_low, metric->ratio_high, row, css);
    chart.dot({metric->ratio, row}, css, fmt::format("{:.3f}", metric->ratio));
    chart.label({x.low, row}, 6, -12, "start",
                fmt::format("{} {}", display_name(metric->route), display_name(metric->metric)),
                "row-label");
    row -= 1;
  }
  return figure("Comparison", chart.svg(),
                swatch("differs", "differs") + swatch("same", "no difference shown"));
}

}  // namespace sk::bench
