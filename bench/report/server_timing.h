// Reads a Server-Timing field: the stages that a server tells of one request (W3C Server Timing).
//
//   route;dur=0.021, worker_wait;dur=0.081, pg;dur=51.377;desc="a, b", total;dur=51.905
//
// The field comes from the wire: whatever does not fit is left out, never an error. A metric
// without a duration says nothing to us. Nothing here allocates.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

namespace sk::bench {

struct TimedStage {
  std::string_view name;  // within the field; a token, so printable ASCII without quotes
  std::chrono::nanoseconds duration{0};
};

// Fills `out` from the front, in the field's order, and returns how many. Metrics beyond
// out.size(), names longer than 64 bytes, and durations that are negative, not finite or longer
// than an hour are left out.
std::size_t read_server_timing(std::string_view field, std::span<TimedStage> out);

}  // namespace sk::bench
