// DrainPlan: what happens when after SIGTERM, as times from it. With the 60 s that a task of ours
// gets:
//
//    0 s           /healthz says 503 and answers say "Connection: close"; everything is still
//    served 5 s - 25 s    listeners close: at 25 s, or sooner once nobody has sent a request for 5
//    s. Load balancers go on
//                  sending for two health checks and more (17 s were seen of an ALB)
//   50 s           what has not ended is cut off
//   52.5 s         workers that have not ended are killed
//   55 s           we have ended by ourselves; the platform's SIGKILL at 60 s never comes
//
// Shorter times are the same in proportion. /livez stays 200 while anybody can ask.
#pragma once

#include "lb/config.h"

namespace sk::lb {

struct DrainPlan {
  Duration quiet{};      // so long without a request: nobody comes any more
  Duration lame_duck{};  // listeners are closed by then
  Duration in_flight{};  // exchanges are cut off then
  Duration workers{};    // workers are killed then
};

// The configured one, or what follows from stop_timeout.
Duration drain_timeout(const ServerConfig& config);

DrainPlan drain_plan(const ServerConfig& config);

}  // namespace sk::lb
