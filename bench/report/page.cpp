#include "bench/report/page.h"

#include "bench/report/html.h"
#include "bench/report/page_charts.h"
#include "bench/report/page_style.h"
#include "bench/report/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sk::bench {
namespace {

double ms(Nanoseconds duration) { return static_cast<double>(duration.count()) / 1e6; }
Nanoseconds from_histogram(std::uint64_t nanoseconds) {
  return Nanoseconds(static_cast<std::int64_t>(nanoseconds));
}

// A cell whose number a program can read: the text is for people, data-value for tests.
std::string cell(std::string_view field, std::string_view value, std::string_view text,
                 std::string_view css = "") {
  return fmt::format(R"(<td{} data-field="{}" data-value="{}">{}</td>)",
                     css.empty() ? "" : fmt::format(R"( class="{}")", css), field, html_text(value),
                     text);
}
std::string cell(std::string_view field, std::uint64_t count) {
  return cell(field, std::to_string(count), count_text(count));
}
std::string cell(std::string_view field, Nanoseconds duration, std::string_view css = "") {
  return cell(field, number_text(ms(duration)), duration_text(duration), css);
}
std::string cell(std::string_view field, const std::optional<std::uint64_t>& count) {
  return count ? cell(field, *count) : cell(field, "", "-");
}

std::string verdict_chip(std::string_view verdict) {
  const std::string_view sign = verdict == "PASS"           ? "&#10003;"
                                : verdict == "FAIL"         ? "&#10005;"
                                : verdict == "INCONCLUSIVE" ? "?"
                                                            : "!";
  return fmt::format(R"(<span class="verdict {0}"><span aria-hidden="true">{1}</span> {0}</span>)",
                     verdict, sign);
}

std::string route_chip(const RouteReport& route) {
  return route.verdicts.empty() ? std::string(R"(<span class="verdict">no budget</span>)")
                                : verdict_chip(to_string(route.outcome));
}

// Tables of a route that keeps its budget are folded: a reader looks for what went wrong.
std::string foldable(const RouteReport& route, std::string_view title, std::string_view content) {
  const bool open = route.outcome != Outcome::pass;
  return fmt::format("<details{}><summary>{}</summary>{}</details>", open ? " open" : "", title,
                     content);
}

std::string scroll(std::string_view label, std::string_view table) {
  return fmt::format(R"(<div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div>)",
                     html_name(label), table);
}

// --- the head: the verdict and why, in a sentence ---

std::string first_failure(const Report& report) {
  std::size_t more = 0;
  std::string text;
  for (const RouteReport& route : report.routes) {
    for (const LevelVerdict& verdict : route.verdicts) {
      if (verdict.outcome != Outcome::fail) {
        continue;
      }
      if (!text.empty()) {
        ++more;
        continue;
      }
      text = fmt::format("{} exceeds its {}: {} where {} is promised.", display_name(route.name),
                         to_string(verdict.level), duration_text(verdict.measured),
                         duration_text(verdict.limit));
      if (verdict.top_stage) {
        text += fmt::format(" Most of the time of the slow requests passes in {} ({:.0f} %).",
                            display_name(verdict.top_stage->name), verdict.top_stage->share * 100);
      }
    }
  }
  if (more > 0) {
    text += fmt::format(" {} more {} exceeded.", more, more == 1 ? "level is" : "levels are");
  }
  return text;
}

std::string open_levels(const Report& report) {
  std::size_t open = 0;
  std::uint64_t needed = 0;
  for (const RouteReport& route : report.routes) {
    for (const LevelVerdict& verdict : route.verdicts) {
      if (verdict.outcome == Outcome::inconclusive) {
        ++open;
        needed = std::max(needed, verdict.requests_needed.value_or(0));
      }
    }
  }
  std::string text = fmt::format("Nothing is violated, but {} of the budgets' levels {} undecided.",
                                 open, open == 1 ? "is" : "are");
  if (needed > 0) {
    text += fmt::format(" About {} requests of a route would decide.", count_text(needed));
  }
  return text;
}

std::string headline(const Report& report) {
  if (!report.valid()) {
    return "No conclusion may be drawn from this measurement.";
  }
  if (report.capacity) {
    return report.capacity->best_rate
               ? fmt::format("{} is the highest rate that kept every budget.",
                             rate_text(*report.capacity->best_rate))
               : std::string("No rate that was tried kept every budget.");
  }
  if (report.compare) {
    const auto& metrics = report.compare->metrics;
    const auto differing = std::ranges::count(metrics, true, &CompareMetric::differs);
    return fmt::format("A and B differ in {} of {} metrics.", differing, metrics.size());
  }
  if (report.overload) {
    const auto& points = report.overload->points;
    const auto best = std::ranges::max_element(points, {}, &OverloadPoint::goodput);
    if (best != points.end() && best->goodput > 0) {
      const OverloadPoint& last = points.back();
      return fmt::format("At {:.3g}x the offered load, goodput is {:.0f} % of its best ({}).",
                         last.multiple, last.goodput / best->goodput * 100,
                         rate_text(best->goodput));
    }
  }
  switch (report.outcome) {
    case Outcome::fail: {
      const std::string failure = first_failure(report);
      return failure.empty() ? "The promise is not kept." : failure;
    }
    case Outcome::inconclusive:
      return open_levels(report);
    case Outcome::pass:
      break;
  }
  const bool any =
      std::ranges::any_of(report.routes, [](const auto& route) { return !route.verdicts.empty(); });
  return any ? "Every budget is kept." : "Measured; no route has a budget.";
}

std::string fact(std::string_view id, std::string_view name, std::string_view value,
                 std::string_view note) {
  return fmt::format(R"(<div><dt>{}</dt><dd id="{}">{}<small>{}</small></dd></div>)", name, id,
                     value, note);
}

std::string facts(const Report& report) {
  const RunSettings& settings = report.settings;
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;
  for (const RouteReport& route : report.routes) {
    requests += route.requests;
    answered += route.answered;
  }
  std::string out = R"(<dl class="facts">)";
  out += fact("fact-runs", "Runs",
              fmt::format("{} &times; {}", settings.runs, duration_text(settings.duration)),
              html_text(fmt::format("open loop, {} arrivals", display_name(settings.arrivals))));
  if (requests > 0) {
    out += fact("fact-requests", "Requests", count_text(requests),
                requests == answered ? std::string("all answered as expected")
                                     : count_text(requests - answered) + " not as expected");
  }
  if (report.lag.count() > 0) {
    out += fact("fact-lag", "Generator lag, p99", duration_text(report.lag_p99),
                report.lag_limit ? "valid up to " + duration_text(*report.lag_limit)
                                 : std::string("no budget to judge it by"));
  }
  out +=
      fact("fact-machine", "Machine",
           fmt::format("{} {}", report.machine.cores, report.machine.cores == 1 ? "core" : "cores"),
           report.machine.shared_with_target ? "shared by generator and target" : "generator only");
  return out + "</dl>";
}

std::string head(const Report& report) {
  const std::string_view overall = overall_text(report);
  std::string out =
      fmt::format(R"(<header><h1>sidekick-bench {} &middot; {}</h1><div class="overall">)"
                  R"(<span id="overall">{}</span><p class="headline" id="headline">{}</p></div>{})",
                  to_string(report.settings.mode), html_name(report.settings.target),
                  verdict_chip(overall), html_text(headline(report)), facts(report));
  if (!report.valid()) {
    out += R"(<section class="invalid" aria-label="Why no conclusion may be drawn"><ul>)";
    for (const std::string& reason : report.invalid_reasons) {
      out += fmt::format("<li>{}</li>", html_text(reason));
    }
    out += "</ul></section>";
  }
  return out + "</header>\n";
}

// --- all routes ---

const LevelVerdict* verdict_at(const RouteReport& route, BudgetLevel level) {
  const auto found = std::ranges::find(route.verdicts, level, &LevelVerdict::level);
  return found == route.verdicts.end() ? nullptr : &*found;
}

std::string quantile_cell(const RouteReport& route, BudgetLevel level, std::string_view field) {
  if (route.latency.count() == 0) {
    return cell(field, "", "-");
  }
  const Nanoseconds measured = from_histogram(route.latency.quantile(quantile_of(level)));
  const LevelVerdict* verdict = verdict_at(route, level);
  std::string text = duration_text(measured);
  if (verdict != nullptr) {
    text += fmt::format(R"( <span class="of">of {}</span>)", duration_text(verdict->limit));
  }
  return cell(field, number_text(ms(measured)), text,
              verdict != nullptr && verdict->outcome == Outcome::fail ? "over" : "");
}

std::string summary(const Report& report) {
  std::string rows;
  for (std::size_t i = 0; i < report.routes.size(); ++i) {
    const RouteReport& route = report.routes[i];
    rows += fmt::format(R"(<tr data-route="{0}"><th scope="row" class="left wrap">)"
                        R"(<a href="#route-{1}">{0}</a></th>)",
                        html_name(route.name), i);
    rows += cell("rate", number_text(route.rate), rate_text(route.rate));
    rows += cell("requests", route.requests);
    rows += cell("failed", route.requests - route.answered);
    rows += quantile_cell(route, BudgetLevel::p50, "p50_ms");
    rows += quantile_cell(route, BudgetLevel::p99, "p99_ms");
    rows += quantile_cell(route, BudgetLevel::p999, "p999_ms");
    const double in_time = route.requests == 0 ? 0
                                               : static_cast<double>(route.in_time) /
                                                     static_cast<double>(route.requests);
    rows += cell("in_time", std::to_string(route.in_time), percent_text(in_time));
    rows += fmt::format("<td>{}</td></tr>", route_chip(route));
  }
  return R"(<h2>Routes</h2><div class="card">)" +
         scroll(
             "All routes",
             R"(<table id="summary"><thead><tr><th scope="col">route</th><th scope="col">rate</th>)"
             R"(<th scope="col">requests</th><th scope="col">failed</th><th scope="col">p50</th>)"
             R"(<th scope="col">p99</th><th scope="col">p99.9</th><th scope="col">in time</th>)"
             R"(<th scope="col">verdict</th></tr></thead><tbody>)" +
                 rows + "</tbody></table>") +
         "</div>\n";
}

// --- one route ---

std::string verdict_table(const RouteReport& route) {
  if (route.verdicts.empty()) {
    return "";
  }
  std::string rows;
  for (const LevelVerdict& verdict : route.verdicts) {
    rows += fmt::format(
        R"(<tr data-level="{0}" data-outcome="{1}"><th scope="row" class="left">{0}</th>)",
        to_string(verdict.level), to_string(verdict.outcome));
    rows += cell("limit_ms", verdict.limit);
    rows += cell("measured_ms", verdict.measured, verdict.outcome == Outcome::fail ? "over" : "");
    rows += cell("requests", verdict.requests);
    rows += cell("effective_requests", number_text(verdict.effective_requests),
                 count_text(static_cast<std::uint64_t>(verdict.effective_requests)));
    rows += cell("exceedances", verdict.exceedances);
    rows += cell("pass_max", verdict.pass_max);
    rows += cell("fail_min", verdict.fail_min);
    rows += cell("runs_within", std::to_string(verdict.runs_within), runs_text(verdict));
    rows += fmt::format("<td>{}</td></tr>", verdict_chip(to_string(verdict.outcome)));
  }
  return scroll(
      fmt::format("Verdict of {}", display_name(route.name)),
      R"(<table class="verdicts"><caption>Verdict</caption><thead><tr><th scope="col">level</th>)"
      R"(<th scope="col">limit</th><th scope="col">measured</th><th scope="col">requests</th>)"
      R"(<th scope="col">worth, independent</th><th scope="col">slower than limit</th>)"
      R"(<th scope="col">pass up to</th><th scope="col">fail from</th><th scope="col">runs within</th>)"
      R"(<th scope="col">verdict</th></tr></thead><tbody>)" +
          rows + "</tbody></table>");
}

std::string reasons(const RouteReport& route) {
  std::string items;
  for (const LevelVerdict& verdict : route.verdicts) {
    if (verdict.outcome == Outcome::pass) {
      continue;
    }
    std::string why = exceedances_text(verdict);
    if (const std::string more = explanation_text(verdict); !more.empty()) {
      why += "; " + more;
    }
    items += fmt::format(R"(<li data-level="{0}"><strong>{0}</strong>: {1}.</li>)",
                         to_string(verdict.level), html_text(why));
  }
  return items.empty() ? "" : R"(<ul class="why">)" + items + "</ul>";
}

std::string failures_text(const RouteReport& route) {
  std::string text;
  for (std::size_t i = 0; i < kFailures; ++i) {
    if (route.failures[i] > 0) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count_text(route.failures[i]),
                          to_string(static_cast<Failure>(i)));
    }
  }
  return text;
}

std::string stage_table(const RouteReport& route) {
  if (route.stages.empty()) {
    return "";
  }
  std::string levels;
  for (const BudgetLevel level : kAllBudgetLevels) {
    if (route.budget.limit(level) && route.over[index_of(level)] > 0) {
      levels += fmt::format(R"(<th scope="col">mean beyond {}</th>)", to_string(level));
    }
  }
  std::string rows;
  for (std::size_t i = 0; i < route.stages.size(); ++i) {
    const StageReport& stage = route.stages[i];
    rows += fmt::format(
        R"(<tr data-stage="{0}"><th scope="row" class="left"><i class="swatch {1}"></i>{0}</th>)",
        html_name(stage.name), stage_class(i));
    rows += cell("count", stage.duration.count());
    rows += cell("sum_ms", from_histogram(stage.duration.sum()));
    rows += cell("p50_ms", from_histogram(stage.duration.quantile(0.5)));
    rows += cell("p99_ms", from_histogram(stage.duration.quantile(0.99)));
    rows += cell("max_ms", from_histogram(stage.duration.max()));
    for (const BudgetLevel level : kAllBudgetLevels) {
      const std::uint64_t over = route.over[index_of(level)];
      if (route.budget.limit(level) && over > 0) {
        rows += cell(fmt::format("over_{}_ms", to_string(level)),
                     stage.over[index_of(level)] / static_cast<std::int64_t>(over));
      }
    }
    rows += "</tr>";
  }
  return foldable(
      route, "Stages in numbers",
      scroll(fmt::format("Stages of {}", display_name(route.name)),
             R"(<table class="stage-table"><thead><tr><th scope="col">stage</th>)"
             R"(<th scope="col">requests</th><th scope="col">sum</th><th scope="col">p50</th>)"
             R"(<th scope="col">p99</th><th scope="col">longest</th>)" +
                 levels + "</tr></thead><tbody>" + rows + "</tbody></table>"));
}

std::string ledger_text(const RouteReport& route, const WorstRequest& request) {
  std::string text;
  for (const StageTime& time : request.ledger) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                        display_name(route.stages[time.stage].name), duration_text(time.duration));
  }
  return text.empty() ? "the answer told no stages" : text;
}

std::string worst_table(const RouteReport& route) {
  if (route.worst.empty()) {
    return "";
  }
  const Nanoseconds scale = route.worst.front().latency;
  std::string rows;
  for (std::size_t i = 0; i < route.worst.size(); ++i) {
    const WorstRequest& request = route.worst[i];
    rows += fmt::format(R"(<tr><th scope="row">{}</th>)", i + 1);
    rows += cell("latency_ms", request.latency);
    rows += cell("run", std::to_string(request.run), std::to_string(request.run + 1));
    rows += cell("intended_ms", request.intended);
    rows += cell("status", std::to_string(request.status),
                 request.failure       ? std::string(to_string(*request.failure))
                 : request.status == 0 ? std::string("-")
                                       : std::to_string(request.status));
    rows += fmt::format(R"(<td class="left">{}</td><td class="left wrap"><small>{}</small></td>)"
                        R"(<td class="left"><code>{}</code></td></tr>)",
                        ledger_bar(route, request, scale), html_text(ledger_text(route, request)),
                        html_name(request.request_id));
  }
  return foldable(
      route, "Slowest requests",
      scroll(
          fmt::format("Slowest requests of {}", display_name(route.name)),
          R"(<table class="worst"><thead><tr><th scope="col">no.</th>)"
          R"(<th scope="col">latency</th><th scope="col">run</th><th scope="col">due at</th>)"
          R"(<th scope="col">status</th><th scope="col" class="left">where the time went</th>)"
          R"(<th scope="col" class="left">stages</th><th scope="col" class="left">request id</th>)"
          R"(</tr></thead><tbody>)" +
              rows + "</tbody></table>"));
}

std::string route_section(const RouteReport& route, std::size_t index) {
  const std::string id = fmt::format("route-{}", index);
  std::string out = fmt::format(
      R"(<section class="route" id="{}" data-route="{}" data-outcome="{}"><div class="route-head">)"
      R"(<h3>{}</h3>{}</div><p class="route-path"><code>{} {}</code> at {})",
      id, html_name(route.name), route.verdicts.empty() ? "" : to_string(route.outcome),
      html_name(route.name), route_chip(route), html_name(route.method), html_name(route.path),
      rate_text(route.rate));
  const std::string failures = failures_text(route);
  out += failures.empty() ? "</p>" : fmt::format("; failed: {}</p>", failures);
  out += reasons(route) + verdict_table(route);
  out +=
      R"(<div class="charts">)" + percentile_figure(route, id) + time_figure(route, id) + "</div>";
  if (const std::string stages = stages_figure(route, id); !stages.empty()) {
    out += R"(<div class="charts"><div class="wide">)" + stages + "</div></div>";
  }
  return out + stage_table(route) + worst_table(route) + "</section>\n";
}

// --- the other modes ---

std::string capacity_section(const CapacityReport& capacity) {
  std::string rows;
  for (const CapacityStep& step : capacity.steps) {
    const bool kept = step.valid && step.outcome == Outcome::pass;
    rows += "<tr>" +
            cell("multiple", number_text(step.multiple), fmt::format("{:.3g}x", step.multiple));
    rows += cell("rate", number_text(step.rate), rate_text(step.rate));
    rows += cell("requests", step.requests);
    rows += fmt::format(R"(<td class="left wrap">{} {}</td>)", html_name(step.route),
                        step.route.empty() ? "" : to_string(step.level));
    rows += cell("measured_ms", step.measured) + cell("limit_ms", step.limit);
    rows += cell("kept", kept ? "true" : "false",
                 kept         ? "kept"
                 : step.valid ? "not kept"
                              : "invalid",
                 kept ? "" : "over");
    rows += "</tr>";
  }
  return R"(<h2>Capacity</h2><section class="card" id="capacity-section">)" +
         capacity_figure(capacity) +
         scroll(
             "Rates that were tried",
             R"(<table id="capacity-table"><thead><tr><th scope="col">multiple</th>)"
             R"(<th scope="col">rate</th><th scope="col">requests</th>)"
             R"(<th scope="col" class="left">nearest to its limit</th><th scope="col">measured</th>)"
             R"(<th scope="col">limit</th><th scope="col">budgets</th></tr></thead><tbody>)" +
                 rows + "</tbody></table>") +
         "</section>\n";
}

std::string overload_section(const OverloadReport& overload) {
  std::string rows;
  for (const OverloadPoint& point : overload.points) {
    rows += "<tr>" +
            cell("multiple", number_text(point.multiple), fmt::format("{:.3g}x", point.multiple));
    rows += cell("offered", number_text(point.offered), rate_text(point.offered));
    rows += cell("answered", number_text(point.answered), rate_text(point.answered));
    rows += cell("goodput", number_text(point.goodput), rate_text(point.goodput));
    rows += cell("p50_ms", point.p50) + cell("p99_ms", point.p99);
    rows += cell("shed", point.shed) + cell("expired", point.expired) +
            cell("failed", point.failed) + "</tr>";
  }
  return R"(<h2>Overload</h2><section class="card" id="overload-section">)" +
         overload_figure(overload) +
         scroll(
             "The sweep",
             R"(<table id="overload-table"><thead><tr><th scope="col">offered</th>)"
             R"(<th scope="col">rate</th><th scope="col">answered</th><th scope="col">goodput</th>)"
             R"(<th scope="col">p50</th><th scope="col">p99</th><th scope="col">shed (503)</th>)"
             R"(<th scope="col">expired (504)</th><th scope="col">failed</th></tr></thead><tbody>)" +
                 rows + "</tbody></table>") +
         "</section>\n";
}

std::string pairs_text(const CompareMetric& metric) {
  std::string text;
  for (const ComparePair& pair : metric.pairs) {
    text += fmt::format("{}{:.4g} / {:.4g}", text.empty() ? "" : ", ", pair.b, pair.a);
    if (!pair.counts) {
      text += fmt::format(" (does not count: {})", display_name(pair.why_not));
    }
  }
  return text;
}

std::string compare_section(const CompareReport& compare) {
  std::string rows;
  for (const CompareMetric& metric : compare.metrics) {
    rows += fmt::format(
        R"(<tr data-route="{0}" data-metric="{1}"><th scope="row" class="left wrap">{0} {1}</th>)",
        html_name(metric.route), html_name(metric.metric));
    rows += cell("pairs_counted", std::uint64_t{metric.pairs_counted});
    rows += cell("ratio", number_text(metric.ratio), fmt::format("{:.3f}", metric.ratio));
    rows +=
        cell("ratio_low", number_text(metric.ratio_low), fmt::format("{:.3f}", metric.ratio_low));
    rows += cell("ratio_high", number_text(metric.ratio_high),
                 fmt::format("{:.3f}", metric.ratio_high));
    rows += cell("confidence", number_text(metric.confidence), percent_text(metric.confidence));
    rows += cell("differs", metric.differs ? "true" : "false", metric.differs ? "yes" : "no");
    rows += fmt::format(R"(<td class="left wrap"><small>{} {}</small></td></tr>)",
                        html_text(pairs_text(metric)), html_name(metric.unit));
  }
  return fmt::format(R"(<h2>Comparison</h2><section class="card" id="compare-section">)"
                     R"(<dl class="plain"><dt>A</dt><dd>{}</dd><dt>B</dt><dd>{}</dd></dl>)",
                     html_name(compare.a), html_name(compare.b)) +
         compare_figure(compare) +
         scroll(
             "Ratios",
             R"(<table id="compare-table"><thead><tr><th scope="col">metric</th>)"
             R"(<th scope="col">pairs</th><th scope="col">B / A</th><th scope="col">from</th>)"
             R"(<th scope="col">to</th><th scope="col">confidence</th><th scope="col">differs</th>)"
             R"(<th scope="col" class="left">pairs, B / A</th></tr></thead><tbody>)" +
                 rows + "</tbody></table>") +
         "</section>\n";
}

// --- the foot: how it was measured, how to read it ---

std::string term(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
}

std::string foot(const Report& report) {
  const RunSettings& settings = report.settings;
  const Machine& machine = report.machine;
  std::string out = R"(<footer><h2>How it was measured</h2><div class="card"><dl class="plain">)";
  out += term("Command", "<code id=\"command\">" + html_text(settings.command) + "</code>");
  out += term("Target", html_name(settings.target));
  out += term("Budgets", html_name(settings.config));
  out += term("Scenario", html_name(settings.scenario));
  out += term("Load",
              fmt::format("{}, warm-up {}, at most {} connections and {} requests under way",
                          html_text(run_text(settings)), duration_text(settings.warm_up),
                          count_text(settings.connections), count_text(settings.outstanding_max)));
  out += term("Generator", html_name(settings.io));
  out += term("Most under way at once",
              report.outstanding_peak == 0 ? "" : count_text(report.outstanding_peak));
  out +=
      term("Started", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                                  std::chrono::floor<std::chrono::seconds>(settings.started_at)));
  out += term("Machine",
              fmt::format("{}, {}, {} cores, {}", html_name(machine.host),
                          html_name(machine.processor), machine.cores, html_name(machine.kernel)));
  out += term("Taken by the hypervisor",
              machine.steal_share ? percent_text(*machine.steal_share) : std::string());
  out += term("Version", html_name(machine.version));
  out += "</dl></div>";
  out += R"(<h2>How to read it</h2><div class="card">
<p>A latency runs from the moment at which the request was <em>meant</em> to be sent to the last byte of its answer: a
target that stalls is charged for everybody who would have come meanwhile.</p>
<p><strong>PASS</strong> and <strong>FAIL</strong> are given where chance alone would show so few, or so many, slow requests in
at most 5 % of all measurements; else the answer is <strong>INCONCLUSIVE</strong> and says how many requests would do. Requests
that wait in one queue are slow together, so they count for less than their number: &ldquo;worth, independent&rdquo; is what is
left. A request that failed exceeds every limit. With five or more runs, four of five must agree.</p>
<p><strong>INVALID</strong> says that something else than the target was measured: the generator was late, or requests failed.</p>
</div></footer>)";
  return out;
}

}  // namespace

std::string report_page(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>{} - sidekick-bench {} {}</title><style>{}</style></head>\n"
      "<body data-outcome=\"{}\" data-exit-code=\"{}\">\n",
      overall_text(report), to_string(report.settings.mode), html_name(report.settings.target),
      kPageStyle, overall_text(report), exit_code(report));
  out += head(report) + "<main>\n";
  if (report.capacity) {
    out += capacity_section(*report.capacity);
  }
  if (report.overload) {
    out += overload_section(*report.overload);
  }
  if (report.compare) {
    out += compare_section(*report.compare);
  }
  if (!report.routes.empty()) {
    out += summary(report);
    const std::size_t count = std::min(report.routes.size(), kRoutesMax);
    for (std::size_t i = 0; i < count; ++i) {
      out += route_section(report.routes[i], i);
    }
  }
  return out + "</main>" + foot(report) + "</body></html>\n";
}

}  // namespace sk::bench
