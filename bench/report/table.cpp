#include "bench/report/table.h"

#include "bench/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {
namespace {

// Columns on a terminal: one per character, which is right for what names are made of.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Rows of cells, padded to columns; the first column to the left, the others to the right.
class Grid {
 public:
  explicit Grid(std::vector<std::string> head) { add(std::move(head)); }

  void add(std::vector<std::string> cells) {
    widths_.resize(std::max(widths_.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths_[i] = std::max(widths_[i], width_of(cells[i]));
    }
    rows_.push_back(std::move(cells));
  }

  std::string text() const {
    std::string out;
    for (const std::vector<std::string>& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string padding(widths_[i] - width_of(row[i]), ' ');
        const bool last = i + 1 == row.size();  // the verdict: to the left, without padding
        line += i == 0 ? row[i] + padding : last ? row[i] : padding + row[i];
        line += last ? "" : "   ";
      }
      out += line + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

std::string painted(std::string_view verdict, bool colour) {
  if (!colour) {
    return std::string(verdict);
  }
  const std::string_view code = verdict == "PASS" ? "32" : verdict == "FAIL" ? "31" : "33";
  return fmt::format("\x1b[{};1m{}\x1b[0m", code, verdict);
}

// "31.2/40 ms", with what came of it: "!" violated, "?" inconclusive. Without a limit the value.
std::string level_cell(const RouteReport& route, BudgetLevel level) {
  for (const LevelVerdict& verdict : route.verdicts) {
    if (verdict.level == level) {
      const std::string_view mark = verdict.outcome == Outcome::fail           ? " !"
                                    : verdict.outcome == Outcome::inconclusive ? " ?"
                                                                               : "";
      return fmt::format("{} of {}{}", duration_text(verdict.measured),
                         duration_text(verdict.limit), mark);
    }
  }
  if (level == BudgetLevel::deadline || route.latency.count() == 0) {
    return "-";
  }
  return duration_text(
      Nanoseconds(static_cast<std::int64_t>(route.latency.quantile(quantile_of(level)))));
}

std::uint64_t failed_of(const RouteReport& route) { return route.requests - route.answered; }

std::string verdict_cell(const RouteReport& route, bool colour) {
  return route.verdicts.empty() ? "no budget" : painted(to_string(route.outcome), colour);
}

std::string routes_text(const Report& report, bool colour) {
  Grid grid({"route", "rate", "requests", "failed", "p50", "p99", "p99.9", "in time", "verdict"});
  for (const RouteReport& route : report.routes) {
    grid.add({display_name(route.name), rate_text(route.rate), count_text(route.requests),
              count_text(failed_of(route)), level_cell(route, BudgetLevel::p50),
              level_cell(route, BudgetLevel::p99), level_cell(route, BudgetLevel::p999),
              route.requests == 0 ? "-"
                                  : percent_text(static_cast<double>(route.in_time) /
                                                 static_cast<double>(route.requests)),
              verdict_cell(route, colour)});
  }
  return grid.text();
}

// A line for each level that did not pass: the numbers that decided, and where the time went.
std::string reasons_text(const Report& report, bool colour) {
  std::string out;
  for (const RouteReport& route : report.routes) {
    for (const LevelVerdict& verdict : route.verdicts) {
      if (verdict.outcome == Outcome::pass) {
        continue;
      }
      out += fmt::format("{}  {}  {} {} of {}: {}", painted(to_string(verdict.outcome), colour),
                         display_name(route.name), to_string(verdict.level),
                         duration_text(verdict.measured), duration_text(verdict.limit),
                         exceedances_text(verdict));
      if (const std::string why = explanation_text(verdict); !why.empty()) {
        out += "; " + why;
      }
      out += "\n";
    }
  }
  return out;
}

std::string capacity_text(const CapacityReport& capacity) {
  Grid grid({"multiple", "rate", "requests", "nearest to its limit", "measured", "budgets"});
  for (const CapacityStep& step : capacity.steps) {
    grid.add(
        {fmt::format("{:.3g}x", step.multiple), rate_text(step.rate), count_text(step.requests),
         step.route.empty() ? "-"
                            : fmt::format("{} {}", display_name(step.route), to_string(step.level)),
         fmt::format("{} of {}", duration_text(step.measured), duration_text(step.limit)),
         !step.valid                     ? "invalid"
         : step.outcome == Outcome::pass ? "kept"
                                         : "not kept"});
  }
  std::string out = grid.text();
  out += capacity.best_rate
             ? fmt::format("capacity: {} ({:.3g}x), the highest rate that kept every budget\n",
                           rate_text(*capacity.best_rate), capacity.best_multiple.value_or(1))
             : std::string("capacity: no rate that was tried kept every budget\n");
  return out;
}

std::string overload_text(const OverloadReport& overload) {
  Grid grid({"offered", "rate", "answered", "goodput", "p50", "p99", "shed", "expired", "failed"});
  for (const OverloadPoint& point : overload.points) {
    grid.add({fmt::format("{:.3g}x", point.multiple), rate_text(point.offered),
              rate_text(point.answered), rate_text(point.goodput), duration_text(point.p50),
              duration_text(point.p99), count_text(point.shed), count_text(point.expired),
              count_text(point.failed)});
  }
  return grid.text();
}

std::string compare_text(const CompareReport& compare) {
  std::string out = fmt::format("A: {}\nB: {}\n", display_name(compare.a), display_name(compare.b));
  Grid grid({"route", "metric", "pairs", "B / A", "interval", "confidence", "differs"});
  for (const CompareMetric& metric : compare.metrics) {
    grid.add({display_name(metric.route), display_name(metric.metric),
              fmt::format("{} of {}", metric.pairs_counted, metric.pairs.size()),
              fmt::format("{:.3f}", metric.ratio),
              fmt::format("{:.3f} to {:.3f}", metric.ratio_low, metric.ratio_high),
              percent_text(metric.confidence), metric.differs ? "yes" : "no"});
  }
  return out + grid.text();
}

}  // namespace

std::string report_table(const Report& report, bool colour) {
  const RunSettings& settings = report.settings;
  std::string out = fmt::format("sidekick-bench {}  {}  {}\n", to_string(settings.mode),
                                display_name(settings.target), run_text(settings));
  if (report.lag.count() > 0) {
    out += fmt::format("generator lag p99 {}", duration_text(report.lag_p99));
    if (report.lag_limit) {
      out += fmt::format(" (valid up to {})", duration_text(*report.lag_limit));
    }
    out += fmt::format("  {}{}\n", display_name(settings.io),
                       report.machine.shared_with_target ? ", on the target's own machine" : "");
  }
  out += "\n";
  if (report.capacity) {
    out += capacity_text(*report.capacity) + "\n";
  }
  if (report.overload) {
    out += overload_text(*report.overload) + "\n";
  }
  if (report.compare) {
    out += compare_text(*report.compare) + "\n";
  }
  if (!report.routes.empty()) {
    out += routes_text(report, colour) + "\n";
    out += reasons_text(report, colour);
  }
  for (const std::string& reason : report.invalid_reasons) {
    out += fmt::format("{}  {}\n", painted("INVALID", colour), reason);
  }
  out +=
      fmt::format("{} (exit code {})\n", painted(overall_text(report), colour), exit_code(report));
  return out;
}

}  // namespace sk::bench
