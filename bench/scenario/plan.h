// Plan: a scenario in which every request has its rate and its budget, wherever they were stated.
//
// A budget is the scenario's own, or that of the route of sidekick.toml that the request names (or
// that its path falls on). Without a scenario each route that has a budget gets a GET of its path,
// at the budget's rate.
#pragma once

#include "lb/config.h"
#include "lb/config_messages.h"

#include "bench/scenario/scenario.h"

#include <optional>

namespace sk::bench {

// config: null if none was given; rate: for what states none, 0 if it was not given either. At
// least one request of the result has a budget, each has a rate; otherwise nothing, and messages
// (of the scenario's file, or the configuration's without one).
[[nodiscard]] std::optional<Scenario> make_plan(std::optional<Scenario> scenario,
                                                const lb::Config* config, double rate,
                                                bool budgets_needed, lb::ConfigMessages& messages);

}  // namespace sk::bench
