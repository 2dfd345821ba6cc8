// Reject: why a message is refused, as the status to answer and a static reason for log and metric.
//
// A request is refused with a 4xx or 5xx of its own; every fault in a response is status 502.
#pragma once

#include <cstdint>
#include <expected>

namespace sk {

struct Reject {
  std::uint16_t status = 400;
  const char* reason = "";  // static, such as "host_missing": a log reason and metric label

  friend bool operator==(const Reject&, const Reject&) = default;
};

template <typename T>
using Checked = std::expected<T, Reject>;

[[nodiscard]] inline std::unexpected<Reject> reject(std::uint16_t status, const char* reason) {
  return std::unexpected(Reject{status, reason});
}

}  // namespace sk
