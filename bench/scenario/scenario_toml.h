// Reads a scenario file. docs/latency-budgets.md explains the format.
#pragma once

#include "lb/config_messages.h"

#include "bench/scenario/scenario.h"

#include <optional>
#include <string>
#include <string_view>

namespace sk::bench {

// Syntax, names, types and units; what fits together is scenario_check.h's.
[[nodiscard]] Scenario read_scenario(std::string_view toml, std::string_view file,
                                     lb::ConfigMessages& messages);

// Reads and checks a file; nothing, with messages, if it will not do.
[[nodiscard]] std::optional<Scenario> load_scenario(const std::string& path,
                                                    lb::ConfigMessages& messages);

}  // namespace sk::bench
