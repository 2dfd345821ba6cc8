// Durations ("250ms", "1m30s") and sizes ("8MiB") as the configuration writes them.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sk {

// One or more numbers with a unit each, largest unit first: us, ms, s, m, h. A fraction is allowed
// ("1.5s"), a sign and a bare number are not. At most 10 000 h.
Result<Duration> parse_duration(std::string_view text);

// A whole number with B, KiB, MiB or GiB. Decimal units are refused: they are never meant.
Result<std::size_t> parse_size(std::string_view text);

// The shortest exact form that parses back: "90s", "250ms", "8MiB".
std::string format_duration(Duration duration);
std::string format_size(std::size_t bytes);

}  // namespace sk
