// Where the report goes: the table to stdout, page and JSON to their files.
#pragma once

#include "bench/modes/options.h"
#include "bench/report/model.h"

#include <optional>
#include <string>

namespace sk::bench {

[[nodiscard]] RunSettings settings_of(const Options& options);

// A line if a file could not be written.
[[nodiscard]] std::optional<std::string> write_report(const Options& options, const Report& report);

}  // namespace sk::bench
