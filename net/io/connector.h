// connect_to: a connected stream socket, or why there is none.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"
#include "net/io/address.h"
#include "net/io/cancel.h"
#include "net/io/task.h"

namespace sk {

// The descriptor is non-blocking, CLOEXEC, tuned (see socket_options.h) and the caller's. Errors
// have the origin upstream: refused, unreachable, timeout (`until` passed), overloaded (no
// descriptor left), or the scope's reason.
[[nodiscard]] Task<Result<int>> connect_to(CancelScope& scope, Address address, Instant until);

}  // namespace sk
