// Reads sidekick.toml into a Config. The only place that knows the TOML library.
//
// Never stops at the first mistake: unknown names, wrong types and values out of range are all
// reported, and what could not be read keeps its default. A syntax error is the exception: nothing
// behind it can be trusted, so it is reported alone. Whether the parts fit together is judged by
// config_check.h; load_config() does both, and the environment between them.
#pragma once

#include "lb/config.h"
#include "lb/config_messages.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sk::lb {

// file: a name for messages.
Config read_config(std::string_view toml, std::string_view file, ConfigMessages& messages);

// Looks a variable up: nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// Reads, applies the environment (config_environment.h) and checks. Nothing where messages has
// errors; an unreadable file is one of them.
std::optional<Config> load_config(const std::string& path, const Environment& environment,
                                  ConfigMessages& messages);

}  // namespace sk::lb
