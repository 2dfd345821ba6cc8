// The effective configuration: every setting with its value, defaults included.
//
// TOML is for people and reads back as the same configuration. JSON is for tools: durations are
// numbers of milliseconds in names that end in _ms, sizes numbers of bytes in names that end in
// _bytes, and a route's budget has only what was stated.
#pragma once

#include "lb/config.h"

#include <string>

namespace sk::lb {

std::string print_toml(const Config& config);
std::string print_json(const Config& config);

}  // namespace sk::lb
