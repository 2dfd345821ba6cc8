// From what was measured to what follows: verdicts per level and route, validity, ratios.
//
// A run is invalid, so that no conclusion may be drawn either way, where its caller said so, where
// the generator was late (the p99 of its lag is above 5 % of the smallest budget of all and above
// 0.4 ms), where a route got no request, or where more than 1 % of a route's requests failed in a
// way that is not lateness (503, 504 and no answer in time are lateness: they exceed the budget).
#pragma once

#include "bench/report/model.h"

#include <cstdint>

namespace sk::bench {

inline constexpr double kLagShareMax = 0.05;
// No scheduler wakes anybody more exactly than this at every hundredth time: a smaller budget still
// gets a verdict, from latencies that hold up to so much of the generator's own.
inline constexpr Nanoseconds kLagLimitMin{400'000};
inline constexpr double kFailedShareMax = 0.01;

// Fills everything of `report` that stands below "what follows", and appends invalid reasons. Call
// once. `report.settings.seed` seeds the bootstrap, so that the same numbers give the same verdict.
void judge(Report& report);

// The verdicts of one route alone, for a step of a search: fills route.verdicts and route.outcome.
void judge_route(RouteReport& route, std::uint64_t seed);

}  // namespace sk::bench
