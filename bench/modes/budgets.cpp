// Mode budgets: does the target keep them at the stated rates?
#include "bench/modes/measure.h"
#include "bench/modes/recorder.h"
#include "bench/modes/session.h"

namespace sk::bench {

CannotMeasure measure_budgets(const Measurement& what) {
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
  report.routes = empty_reports(what.scenario, 1.0);
  Recorder recorder(what.scenario, report.routes, report.lag, options.timeout, what.raw);
  for (std::uint32_t run = 0; run < options.runs && report.invalid_reasons.empty(); ++run) {
    const std::string label =
        "run " + std::to_string(run + 1) + " of " + std::to_string(options.runs);
    (*session)->run(1.0, options.duration, run, recorder, label, report.invalid_reasons,
                    report.outstanding_peak);
  }
  recorder.explain(report.invalid_reasons);
  return std::nullopt;
}

}  // namespace sk::bench
