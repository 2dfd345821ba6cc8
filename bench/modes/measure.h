// The modes: each drives sessions and fills the report's part "what was measured".
//
// A mode returns a line if the measurement could not take place (nobody answers, a wrong target):
// exit code 3. What went wrong in the middle is in report.invalid_reasons. judge() comes after.
#pragma once

#include "bench/modes/options.h"
#include "bench/modes/raw_results.h"
#include "bench/report/model.h"
#include "bench/scenario/scenario.h"

#include <optional>
#include <string>

namespace sk::bench {

struct Measurement {
  const Options& options;
  const Scenario& scenario;
  Report& report;
  RawResults* raw;  // null: not wanted
};

using CannotMeasure = std::optional<std::string>;

// `runs` runs at the stated rates.
[[nodiscard]] CannotMeasure measure_budgets(const Measurement& what);

// Doubles and halves the rates until one multiple keeps every budget and the next does not, then
// bisects between the two until they are 5 % apart. One run each, up to five where that does not
// tell.
[[nodiscard]] CannotMeasure measure_capacity(const Measurement& what);

// Fixed multiples of the rates, 0.5 to 4, one run each.
[[nodiscard]] CannotMeasure measure_overload(const Measurement& what);

// Pairs of runs, A B B A A B ...; two URLs, or two builds of which one at a time is up.
[[nodiscard]] CannotMeasure measure_compare(const Measurement& what);

// Closed loop; prints its own line and returns the exit code.
[[nodiscard]] int saturate(const Options& options, const Scenario& scenario);

// After judge(): what the mode's own numbers say beside the routes' verdicts. Overload: goodput at
// twice the rate is at least kGoodputShareMin of the best; capacity: some rate is kept.
void conclude(const Options& options, Report& report);

inline constexpr double kGoodputShareMin = 0.9;
inline constexpr double kOverloadJudgedAt = 2.0;

}  // namespace sk::bench
