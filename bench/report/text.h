// How numbers and names look to people, the same in table and page. (JSON has them raw.)
#pragma once

#include "bench/report/model.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sk::bench {

// Three significant digits and the unit that fits: "0.412 ms", "31.2 ms", "1.25 s", "85 us".
[[nodiscard]] std::string duration_text(Nanoseconds duration);

// "120,000".
[[nodiscard]] std::string count_text(std::uint64_t count);

// Share (0..1) in percent, without rounding up to 100: "99.97 %", "< 0.001 %".
[[nodiscard]] std::string percent_text(double share);

// "400/s", "0.5/s", "12,500/s".
[[nodiscard]] std::string rate_text(double per_second);

// A name from outside as one line of bounded length: control bytes become '?', and what is beyond
// kNameBytesMax is cut, at the start of a UTF-8 character, with an ellipsis. Not yet HTML.
[[nodiscard]] std::string display_name(std::string_view name);

// "PASS", "FAIL", "INCONCLUSIVE", or "INVALID" where no conclusion may be drawn.
[[nodiscard]] std::string_view overall_text(const Report& report);

// "5 runs of 60 s, open loop, poisson arrivals, seed 7".
[[nodiscard]] std::string run_text(const RunSettings& settings);

// "3 of 5": how many runs keep the level.
[[nodiscard]] std::string runs_text(const LevelVerdict& verdict);

// What decides the verdict, as one clause: "64 of 120,000 above; at most 101 pass".
[[nodiscard]] std::string exceedances_text(const LevelVerdict& verdict);

// Why and what to do where the outcome is not PASS; empty where it is.
// "top stage pg_pool (61 %)"; "too few requests to tell it from chance; about 300 would do".
[[nodiscard]] std::string explanation_text(const LevelVerdict& verdict);

}  // namespace sk::bench
