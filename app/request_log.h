// The two lines per request of a process that runs alone. Behind a balancer it writes them.
#pragma once

#include "net/core/log_line.h"
#include "net/http/exchange.h"

#include "app/config.h"

namespace sk::app {

// "incoming request", where the configuration wants it.
void log_request_start(Log& log, const Exchange& exchange, RequestLog wanted);

// "request completed", or "request aborted" where the client left before its answer was complete.
void log_request_end(Log& log, Exchange& exchange, RequestLog wanted);

}  // namespace sk::app
