// The health of one process: what /livez, /healthz and /readyz answer.
//
//   /livez    200 while the process lives
//   /healthz  whether a platform should send requests here: 503 until every configured or required
//             dependency has answered once, when a password has been refused for kRefusedMax (so
//             that the platform replaces the task, which then gets the new one) and while stopping;
//             an outage of a dependency is no reason, because it must not take every task away
//   /readyz   whether the dependencies answer now
#pragma once

#include "net/core/time.h"

#include "app/response.h"
#include "app/services.h"

#include <optional>
#include <string>
#include <string_view>

namespace sk::app {

inline constexpr Duration kRefusedMax = std::chrono::seconds(60);

struct DependencyHealth {
  std::string_view state = "not configured";
  bool configured = false;
  bool ready = true;
  bool has_answered = true;
  bool refused_for_long = false;
};

struct HealthReport {
  bool stopping = false;
  DependencyHealth postgres;
  DependencyHealth redis;

  [[nodiscard]] bool healthy() const;  // /healthz
  [[nodiscard]] bool ready() const;    // /readyz
};

[[nodiscard]] HealthReport health_of(const Services& services, bool stopping);

// The answer to path, if it is one of the three.
[[nodiscard]] std::optional<Response> answer_health(std::string_view path,
                                                    const HealthReport& report);

}  // namespace sk::app
