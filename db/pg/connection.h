// Connection owns one connection to PostgreSQL as libpq sees it, and the descriptor by which our
// loop watches it. connect() makes one without ever blocking.
//
// Only db/pg includes this header: everything above it is free of libpq.
#pragma once

#include "net/io/loop.h"
#include "net/io/task.h"

#include "db/pg/connection_settings.h"
#include "db/pg/error.h"

#include <libpq-fe.h>

#include <string>
#include <utility>

namespace sk {
class Resolver;
}

namespace sk::pg {

class Connection {
 public:
  Connection() = default;
  Connection(Loop& loop, PGconn* native) : loop_(&loop), native_(native) {}
  Connection(Connection&& other) noexcept
      : loop_(other.loop_),
        native_(std::exchange(other.native_, nullptr)),
        watch_fd_(std::exchange(other.watch_fd_, -1)) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(loop_, other.loop_);
    std::swap(native_, other.native_);
    std::swap(watch_fd_, other.watch_fd_);
    return *this;
  }
  ~Connection() { close(); }

  // Says goodbye and closes; no poll of fd() may be in flight.
  void close();

  [[nodiscard]] PGconn* get() const { return native_; }
  // For polls: a duplicate of libpq's socket, because libpq closes and replaces its own whenever it
  // likes, behind the loop's back. -1 until watch().
  [[nodiscard]] int fd() const { return watch_fd_; }
  // Duplicates libpq's present socket; false where there is none, or no descriptor is left.
  [[nodiscard]] bool watch();
  void unwatch();

  // What libpq said last, as one line.
  [[nodiscard]] std::string message() const;
  // Reads what has arrived, including what OpenSSL has decrypted and libpq would leave for the next
  // readable event, which does not come then. False when the connection is gone.
  [[nodiscard]] bool consume();

 private:
  Loop* loop_ = nullptr;
  PGconn* native_ = nullptr;
  int watch_fd_ = -1;
};

// Looks up the hosts, connects, encrypts and authenticates, all before `until`. The connection is
// non-blocking and not in pipeline mode. Errors: unavailable (sqlstate is set where the server said
// no, 28... where it was the password), timeout, cancelled.
Task<Result<Connection>> connect(Loop& loop, Resolver& resolver, const ConnectionSettings& settings,
                                 CancelScope& scope, Instant until);

// The error that a failed result describes.
[[nodiscard]] Error error_of(const PGresult* result);

// Text of several lines as one, at most 500 bytes.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace sk::pg
