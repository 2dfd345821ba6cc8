// Judges whether the parts of a configuration fit together: names that refer to each other,
// timeouts that contain each other, budgets in order. Adds all errors and warnings to messages.
//
// Touches neither network nor files: a configuration is checked on another machine than it runs on.
// What could not be read keeps its default and is not reported a second time.
#pragma once

#include "lb/config.h"
#include "lb/config_messages.h"

namespace sk::lb {

void check_config(const Config& config, ConfigMessages& messages);

}  // namespace sk::lb
