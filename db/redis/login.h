// log_in: what is said on a new connection before handlers may use it. And what refusals mean.
#pragma once

#include "net/core/time.h"
#include "net/io/task.h"

#include "db/redis/config.h"
#include "db/redis/error.h"

#include <string>
#include <string_view>

namespace sk {
class CancelScope;
}

namespace sk::redis {

class Connection;

// HELLO 3 with user, password and name, or AUTH where the server is too old for it; then SELECT.
// The connection's serve() must be running. `rejected` where the server refuses user or password.
Task<Result<void>> log_in(Connection& connection, CancelScope& scope, const Address& address,
                          std::string client_name, Instant until);

// Errors that mean: not this server, or not now. A healthy primary never answers a command so.
[[nodiscard]] bool means_wrong_server(std::string_view error);

}  // namespace sk::redis
