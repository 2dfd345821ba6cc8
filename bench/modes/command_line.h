// The command line of sidekick-bench.
#pragma once

#include "bench/modes/options.h"

#include <optional>

namespace sk::bench {

inline constexpr int kUsageWrong = 64;  // EX_USAGE

struct ParsedOptions {
  std::optional<Options> options;  // nothing: help was given, or a line says what is wrong
  int exit_code = 0;
};

[[nodiscard]] ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace sk::bench
