#include "bench/modes/measure.h"

#include <algorithm>

namespace sk::bench {
namespace {

void conclude_overload(Report& report) {
  double best = 0;
  for (const OverloadPoint& point : report.overload->points) {
    best = std::max(best, point.goodput);
  }
  report.outcome = best > 0 ? Outcome::pass : Outcome::fail;
  for (const OverloadPoint& point : report.overload->points) {
    if (point.multiple == kOverloadJudgedAt && point.goodput < kGoodputShareMin * best) {
      report.outcome = Outcome::fail;
    }
  }
}

}  // namespace

void conclude(const Options& options, Report& report) {
  if (report.overload) {
    conclude_overload(report);
  }
  if (report.capacity) {
    report.outcome = report.capacity->best_rate ? Outcome::pass : Outcome::fail;
  }
  if (options.strict && report.outcome == Outcome::inconclusive) {
    report.outcome = Outcome::fail;
  }
}

}  // namespace sk::bench
