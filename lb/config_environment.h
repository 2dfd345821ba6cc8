// Variables that override the file, for containers whose file is part of the image.
// net/core/environment.h lists them.
#pragma once

#include "lb/config.h"
#include "lb/config_messages.h"
#include "lb/config_toml.h"

#include <optional>
#include <string_view>

namespace sk::lb {

std::optional<RequestLog> parse_request_log(std::string_view text);
std::string_view to_string(RequestLog requests);

// A value that is none is reported and changes nothing; so is one of a variable that only
// applications read, because the workers inherit it.
void apply_environment(Config& config, const Environment& environment, ConfigMessages& messages);

}  // namespace sk::lb
