// What must fit together in a scenario, beyond names and types.
#pragma once

#include "lb/config_messages.h"

#include "bench/scenario/scenario.h"

namespace sk::bench {

// Every mistake is one message with the place and the way out. Also fills in what follows from the
// rest: names of requests, rates from weights.
void check_scenario(Scenario& scenario, lb::ConfigMessages& messages);

// Percentiles in order, a deadline not below p99; name: "request.budget". True if it will do.
bool check_budget(const lb::BudgetConfig& budget, std::string_view name,
                  lb::ConfigMessages& messages);

}  // namespace sk::bench
