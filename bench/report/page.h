// The report as one HTML page that needs nothing else: no script, no font, no request.
//
// Charts are inline SVG with a title and a description; every number in them stands in a table too.
// A verdict's numbers carry data attributes (tests/bench_report reads them in a browser):
//   <body data-outcome data-exit-code>, <section class="route" data-route>,
//   <tr data-level> with <td data-field="limit_ms" data-value="40"> and so on.
// All text from outside is escaped and cut; the content security policy in the page forbids
// whatever an escape might have missed. Its size is bounded by the model's bounds.
#pragma once

#include "bench/report/model.h"

#include <string>

namespace sk::bench {

[[nodiscard]] std::string report_page(const Report& report);

}  // namespace sk::bench
