// Client: PostgreSQL for one loop. Statements of all handlers share a few pipelined connections
// ("lanes"), each statement in a transaction of its own.
//
// Many statements are in flight on one connection; each is followed by its own Sync, so one that
// fails does not touch its neighbours. What a turn of the loop queued leaves in one flush per lane.
// While the database cannot be reached, statements fail at once with `unavailable` and one
// connection at a time tries again, with growing, jittered pauses and a fresh name lookup; nothing
// ever blocks or ends the process.
//
// Because connections are shared, statements that would change the session are refused
// (`unsupported`): BEGIN and its relatives, SET, RESET, DISCARD, PREPARE, DEALLOCATE, LISTEN,
// DECLARE, LOCK, COPY. A connection that is found inside a transaction is closed. Behind PgBouncer,
// set max_prepared_statements there.
//
// Owned by one loop's thread, like everything it touches. Call start() once, and await close()
// before it is destroyed.
#pragma once

#include "net/io/loop.h"
#include "net/io/task.h"

#include "db/pg/config.h"
#include "db/pg/executor.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sk {
class Resolver;
}

namespace sk::pg {

enum class State : std::uint8_t {
  connecting,        // the first attempt has not ended yet
  ready,             // at least one lane is connected
  unreachable,       // the last attempt failed
  password_refused,  // the last attempt failed because of user or password
};

[[nodiscard]] std::string_view to_string(State state);

struct Health {
  State state = State::connecting;
  Instant since;              // of the current state
  bool has_answered = false;  // a connection was made at least once since start
  std::string reason;         // why the last attempt failed, one line; empty when ready
};

struct Counters {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;     // answered with an error
  std::uint64_t abandoned = 0;  // the waiter left before the answer came
  std::uint64_t overloaded = 0;
  std::uint64_t connects = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t lost = 0;  // connections that broke
  std::uint64_t quarantined = 0;
  std::uint64_t prepared = 0;
};

class Client final : public Executor {
 public:
  // The resolver must outlive the client. Error: the URL is malformed (its message names the
  // place), or libpq is older than 17.6.
  static Result<std::unique_ptr<Client>> create(Loop& loop, Resolver& resolver, Config config);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins to connect. on_change is called after every change of health().state, for one log line.
  void start(std::function<void(const Health&)> on_change = {});

  // Fails what waits and closes every connection.
  Task<void> close();

  [[nodiscard]] const Health& health() const;
  [[nodiscard]] const Counters& counters() const;
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::size_t in_flight() const;

 private:
  struct Inner;  // lanes and everything that knows libpq

  Client(std::unique_ptr<Inner> inner, Duration timeout);
  void submit(Query& query) override;
  void withdraw(Query& query) override;

  std::unique_ptr<Inner> inner_;
};

}  // namespace sk::pg
