// AccessLog: which lines of a request are written, from what the proxy knows about it.
#pragma once

#include "net/core/log_line.h"
#include "net/http/exchange.h"

#include "lb/config.h"
#include "lb/request_record.h"

#include <string_view>

namespace sk::lb {

class AccessLog {
 public:
  AccessLog(Log& log, const Config& config) : log_(log), config_(config) {}

  void begun(const Exchange& exchange);
  // now: when it ended. budget: ", \"budget\": {...}", or empty.
  void ended(Exchange& exchange, const RequestRecord& record, Instant now, std::string_view budget);
  // A request that the server refused before it became an exchange.
  void rejected(const Rejection& rejection);

 private:
  Log& log_;
  const Config& config_;
};

// The client left before its answer was complete.
bool was_aborted(Exchange& exchange, const RequestRecord& record);

}  // namespace sk::lb
