// Connection: one hiredis context, driven by our loop, and the commands in flight on it.
//
// slots_ is the queue of commands whose reply is still to come, in the order they were sent;
// hiredis hands replies over in that order. A waiter that leaves takes only itself out of its slot.
// hiredis calls back from within its read and write functions, which must not be entered again from
// there: so callbacks only put waiters on the ready list, and hiredis is entered from two places,
// the poll loop (serve) and the end of a turn (flush).
//
// A connection that broke, for whatever reason, never recovers: serve() tells every waiter and
// ends. Only db/redis includes this header. Loop-only.
#pragma once

#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/io/task.h"

#include "db/redis/command.h"
#include "db/redis/config.h"
#include "db/redis/tls.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct redisAsyncContext;

namespace sk {
class Poll;
}

namespace sk::redis {

struct Counters;

class Connection : private TimerNode, private ReadyNode {
 public:
  Connection(Loop& loop, const Config& config, Counters& counters);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes over a connected socket and, where there is one, a TLS session that has not begun.
  // False, with reason(), where hiredis refuses.
  [[nodiscard]] bool adopt(int fd, TlsSession tls);

  // Moves bytes until the connection broke, break_off() was called, or the scope was cancelled.
  Task<void> serve(CancelScope& scope);

  // One command of log_in(), which knows no Command yet. serve() must be running.
  Task<Result<Reply>> ask(CancelScope& scope, std::span<const std::string_view> arguments,
                          Instant until);

  void send(Command& command);
  void withdraw(Command& command);
  void break_off(std::string_view reason);

  [[nodiscard]] bool alive() const { return !broken_; }
  [[nodiscard]] bool has_room(std::size_t bytes) const;
  [[nodiscard]] std::size_t in_flight() const { return count_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  // What ask() waits for.
  struct Greeting {
    explicit Greeting(Loop& loop) : done(loop) {}
    Event done;
    Reply reply;
    bool lost = false;
  };

  struct Slot {
    Command* command = nullptr;  // at most one of the two; none: the waiter left
    Greeting* greeting = nullptr;
    std::size_t bytes = 0;
  };

  bool enqueue(std::string_view bytes, Slot slot);
  void take_reply(void* native);
  void deliver(Slot& slot, Reply reply);
  void refuse_uninvited();
  void handle_read();
  void handle_write();
  void want_write(bool write);
  void check_health();
  void fail_all();
  void watch_silence();
  static void look_at_silence(TimerNode& timer);
  static void turn_ended(ReadyNode& node);

  // Set once.
  Loop& loop_;
  const Config& config_;
  Counters& counters_;

  redisAsyncContext* native_ = nullptr;
  SSL* tls_ = nullptr;       // owned by hiredis, kept alive by a reference of ours
  int watch_fd_ = -1;        // the loop's; hiredis has a duplicate, which it closes by itself
  std::vector<Slot> slots_;  // a ring; slot of ticket t is t % size
  std::uint64_t first_ticket_ = 1;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;  // of all commands in flight
  Instant progress_;       // the last reply, or when the front was sent to an idle connection
  Poll* poll_ = nullptr;   // in flight
  bool watching_ = false;
  bool wants_write_ = false;
  bool hung_up_ = false;  // hiredis has given up
  bool broken_ = false;
  std::string reason_;
};

}  // namespace sk::redis
