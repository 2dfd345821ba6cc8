// One assignment of a configuration, whatever it was written in, and the list of settings there
// are.
#pragma once

#include "app/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sk::app {

struct SettingValue {
  std::string name;  // dotted: "database.lanes"
  std::variant<std::string, std::int64_t, double, bool> value;
  std::size_t line = 0;
  std::size_t column = 0;
};

// Flattens a TOML document into its assignments; the error is the first break of the syntax. Values
// that are no scalar are reported as mistakes. Implemented in config_toml.cpp.
[[nodiscard]] std::vector<SettingValue> read_toml(std::string_view text, const std::string& source,
                                                  std::vector<ConfigMessage>& mistakes);

// Sets one setting; adds to mistakes what is wrong with its name or value.
void apply_setting(Config& config, const SettingValue& setting, const std::string& source,
                   std::vector<ConfigMessage>& mistakes);

// Sets what follows from the memory that a balancer has meant for this worker: before all else.
void apply_worker_memory(Config& config, const Environment& environment);

// Sets what the environment says. Implemented in config_environment.cpp.
void apply_environment(Config& config, const Environment& environment,
                       std::vector<ConfigMessage>& mistakes);

}  // namespace sk::app
