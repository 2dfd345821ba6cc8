// The control socket between the supervisor and a worker: SEQPACKET, fd 3 of the worker.
//
// One message per link: the limits, and two descriptors, the worker's end of the link's socket pair
// and its page. End of file tells the worker to end. A worker that lets the queue fill up is
// faulty: sending never waits.
#pragma once

#include "net/core/result.h"
#include "net/io/cancel.h"
#include "net/io/task.h"
#include "net/link/frames.h"

namespace sk {

inline constexpr int kControlFd = 3;
// Set to "1" in the environment of a worker that gets its work over kControlFd.
inline constexpr const char* kWorkerEnvironment = "SIDEKICK_WORKER";
// Bytes of memory that are meant for the worker.
inline constexpr const char* kWorkerMemoryEnvironment = "SIDEKICK_WORKER_MEMORY";

struct LinkEnds {
  int socket_fd = -1;
  int page_fd = -1;
  LinkLimits limits;
};

// Passes copies of the two descriptors; the caller closes its own. Error overloaded: queue full.
[[nodiscard]] Result<void> send_link(int control_fd, const LinkEnds& ends);

// The next link; the caller owns the descriptors. Error closed: the supervisor has gone or wants
// this worker to end. malformed: a message that is not ours.
[[nodiscard]] Task<Result<LinkEnds>> receive_link(CancelScope& scope, int control_fd);

}  // namespace sk
