// The report as one JSON document, for CI and for whoever draws charts of their own.
//
// Numbers are raw: durations in milliseconds (`..._ms`), rates per second, shares from 0 to 1; null
// where there is none. Names are whole, escaped, not cut. Fields are only ever added; `format`
// counts up where one changes its meaning.
#pragma once

#include "bench/report/model.h"

#include <string>

namespace sk::bench {

inline constexpr int kJsonFormat = 1;

[[nodiscard]] std::string report_json(const Report& report);

}  // namespace sk::bench
