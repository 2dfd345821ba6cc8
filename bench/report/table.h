// The report as text for a terminal: a line per route, the verdict, and why.
#pragma once

#include "bench/report/model.h"

#include <string>

namespace sk::bench {

// Ends with a newline. Names from outside hold no control bytes and are cut. `colour`: verdicts in
// ANSI colours, for a terminal only.
[[nodiscard]] std::string report_table(const Report& report, bool colour = false);

}  // namespace sk::bench
