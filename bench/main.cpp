// sidekick-bench: does a stack keep the latency budgets of its routes?
#include "lb/config_messages.h"
#include "lb/config_toml.h"

#include "bench/generator/target.h"
#include "bench/modes/command_line.h"
#include "bench/modes/machine.h"
#include "bench/modes/measure.h"
#include "bench/modes/output.h"
#include "bench/report/judge.h"
#include "bench/scenario/plan.h"
#include "bench/scenario/scenario_toml.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

namespace sk::bench {
namespace {

constexpr int kInvalid = 3;
constexpr int kNiceWanted = -10;

int complain(const std::string& line, int code) {
  std::fprintf(stderr, "sidekick-bench: %s\n", line.c_str());
  return code;
}

// Timers as exact as the kernel can: the default lets it be 50 us late. Descriptors as many as we
// may have. And, where we are allowed to and nobody has chosen otherwise, before others on the same
// cores: a target is slow when it is slow, a late generator has measured nothing.
void prepare_process() {
  errno = 0;
  if (::getpriority(PRIO_PROCESS, 0) == 0 && errno == 0) {
    ::setpriority(PRIO_PROCESS, 0, kNiceWanted);
  }
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  ::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

// One request to "/", for a closed loop that was given neither configuration nor scenario.
Scenario plain_scenario() {
  Scenario scenario;
  scenario.requests.emplace_back().name = "/";
  return scenario;
}

// What is to be sent; messages are printed where there is none.
std::optional<Scenario> plan(const Options& options) {
  std::optional<lb::Config> config;
  if (!options.config.empty()) {
    lb::ConfigMessages messages;
    config = lb::load_config(options.config, lb::process_environment(), messages);
    std::fputs(messages.format(options.config).c_str(), stderr);
    if (!config) {
      return std::nullopt;
    }
  }
  lb::ConfigMessages messages;
  std::optional<Scenario> scenario;
  const bool closed = options.verb == Verb::saturate;
  if (!options.scenario.empty()) {
    scenario = load_scenario(options.scenario, messages);
  } else if (closed && !config) {
    scenario = plain_scenario();
  }
  const std::string& file = options.scenario.empty() ? options.config : options.scenario;
  if (!messages.has_errors()) {
    const bool budgets_needed = options.verb == Verb::budgets || options.verb == Verb::capacity;
    scenario = make_plan(std::move(scenario), config ? &*config : nullptr,
                         closed && options.rate == 0 ? 1 : options.rate, budgets_needed, messages);
  }
  std::fputs(messages.format(file.empty() ? "sidekick-bench" : file).c_str(), stderr);
  return messages.has_errors() ? std::nullopt : std::move(scenario);
}

// Where to send it: what was typed, else what the scenario says.
std::optional<std::string> wrong_usage(Options& options, const Scenario& scenario) {
  if (options.target.empty()) {
    options.target = scenario.target;
  }
  const bool compares = options.verb == Verb::compare;
  const auto is_url = [](const std::string& side) { return side.find("://") != side.npos; };
  if (compares && is_url(options.a) != is_url(options.b)) {
    return "compare: two URLs or two folders of builds, not one of each";
  }
  if (compares && is_url(options.a)) {
    options.target = options.a;
  }
  if (options.target.empty()) {
    return "whom? give --target http://127.0.0.1:7500";
  }
  if (compares && !is_url(options.a) && options.config.empty()) {
    return "compare: builds are started with a configuration: give --config";
  }
  for (const std::string& url :
       {options.target, compares && is_url(options.b) ? options.b : options.target}) {
    if (const Result<Target> target = Target::parse(url); !target) {
      return "target \"" + url + "\": " + target.error().detail;
    }
  }
  std::vector<double> rates;
  for (const ScenarioRequest& request : scenario.requests) {
    rates.push_back(request.rate);
  }
  if (expected_arrivals(rates, options.duration) > static_cast<double>(kArrivalsMax)) {
    return "a run may hold " + std::to_string(kArrivalsMax) +
           " requests: shorten --duration, or lower the rates";
  }
  if (scenario.requests.size() > kRoutesMax) {
    return "at most " + std::to_string(kRoutesMax) + " different requests";
  }
  return std::nullopt;
}

CannotMeasure measure(const Measurement& what) {
  switch (what.options.verb) {
    case Verb::capacity:
      return measure_capacity(what);
    case Verb::compare:
      return measure_compare(what);
    case Verb::overload:
      return measure_overload(what);
    case Verb::budgets:
    case Verb::saturate:
      break;
  }
  return measure_budgets(what);
}

int run(Options options) {
  prepare_process();
  if (options.cpu && !stay_on_core(*options.cpu)) {
    return complain("--cpu " + std::to_string(*options.cpu) + ": there is no such core for us",
                    kUsageWrong);
  }
  const std::optional<Scenario> scenario = plan(options);
  if (!scenario) {
    return kUsageWrong;
  }
  if (const std::optional<std::string> wrong = wrong_usage(options, *scenario)) {
    return complain(*wrong, kUsageWrong);
  }
  if (options.verb == Verb::saturate) {
    return saturate(options, *scenario);
  }
  std::unique_ptr<RawResults> raw;
  if (!options.record.empty()) {
    Result<std::unique_ptr<RawResults>> made = RawResults::create(options.record);
    if (!made) {
      return complain("--record " + options.record + ": " + describe(made.error()), kUsageWrong);
    }
    raw = std::move(*made);
    for (std::size_t i = 0; i < scenario->requests.size(); ++i) {
      const ScenarioRequest& request = scenario->requests[i];
      raw->add_route(static_cast<std::uint32_t>(i), request.name, request.method, request.path);
    }
  }
  Report report;
  report.settings = settings_of(options);
  report.machine = this_machine();
  const ProcessorTime before = ProcessorTime::now();
  if (const CannotMeasure wrong = measure({options, *scenario, report, raw.get()})) {
    return complain(*wrong, kInvalid);
  }
  report.machine.steal_share = before.stolen_until(ProcessorTime::now());
  judge(report);
  conclude(options, report);
  if (raw != nullptr && !raw->finish()) {
    report.invalid_reasons.push_back("--record " + options.record + " could not be written");
  }
  if (const std::optional<std::string> wrong = write_report(options, report)) {
    return complain(*wrong, kInvalid);
  }
  return exit_code(report);
}

}  // namespace
}  // namespace sk::bench

int main(int argc, char** argv) {
  const sk::bench::ParsedOptions parsed = sk::bench::parse_options(argc, argv);
  if (!parsed.options) {
    return parsed.exit_code;
  }
  return sk::bench::run(*parsed.options);
}
