// Variables that override the file, for containers whose file is part of the image.
//
//   SIDEKICK_IO            server.io             auto | uring | epoll
//   SIDEKICK_STOP_TIMEOUT  server.stop_timeout   "30s", or a bare number of seconds
//   SIDEKICK_THREADS       server.threads
//   SIDEKICK_WORKERS       workers.count of every upstream that leaves it at 0
//   SIDEKICK_LOG_REQUESTS  log.requests          both | completed | errors | off
//   SIDEKICK_ADMIN         admin.address
#pragma once

#include "lb/config.h"
#include "lb/config_messages.h"
#include "lb/config_toml.h"

#include <optional>
#include <string_view>

namespace sk::lb {

std::optional<RequestLog> parse_request_log(std::string_view text);
std::string_view to_string(RequestLog requests);

void apply_environment(Config& config, const Environment& environment, ConfigMessages& messages);

}  // namespace sk::lb
