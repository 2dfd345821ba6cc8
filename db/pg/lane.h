// Lane: one connection in pipeline mode on which statements of all requests follow one another.
//
// Every statement is a Slot: [Close of an evicted statement] [Prepare] Execute, Sync. The server
// answers in order, so slots_ is a queue of what is still unanswered, and its front is what the
// server works on. A waiter that leaves takes only itself out of its slot; the slot stays until its
// answer has come. An answer is delivered when its Sync is answered, because only that commits.
//
// A lane leaves service (LaneOwner::lane_left) once: when its connection broke, or when the answer
// to its oldest statement is late ("quarantined": what was sent may still be answered, nothing new
// is sent). It closes its connection when nothing is left to hope for. The SQL text is the client's
// to check; a lane finds out by itself when a statement has opened a transaction, and breaks off.
// Loop-only.
#pragma once

#include "net/io/loop.h"
#include "net/io/task.h"

#include "db/pg/connection.h"
#include "db/pg/query.h"
#include "db/pg/statement_cache.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sk {
class Poll;
}

namespace sk::pg {

struct Config;
struct Counters;
class Lane;

class LaneOwner {
 public:
  // Called once per lane; it may still be answering, but takes no statements any more. broken: the
  // connection is gone, and reason says why.
  virtual void lane_left(Lane& lane, bool broken, const std::string& reason) = 0;
  // A slot became free.
  virtual void lane_has_room(Lane& lane) = 0;
  // The statement certainly had no effect and deserves another lane or another try.
  virtual void send_again(Query& query) = 0;

 protected:
  ~LaneOwner() = default;
};

class Lane : private TimerNode {
 public:
  Lane(LaneOwner& owner, Loop& loop, const Config& config, Counters& counters,
       Connection connection);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Puts the connection into pipeline mode; false where libpq refuses.
  [[nodiscard]] bool enter_pipeline();

  // Reads answers until the connection broke, was quarantined and drained, or the scope was
  // cancelled. Then every waiter has been told and the connection is closed.
  Task<void> serve(CancelScope& scope);

  [[nodiscard]] bool has_room() const { return in_service_ && count_ < slots_.size(); }
  [[nodiscard]] bool in_service() const { return in_service_; }
  [[nodiscard]] std::size_t in_flight() const { return count_; }

  // Queues the statement in libpq; flush() sends it. The lane must have room.
  void send(Query& query);
  void flush();
  void withdraw(Query& query);
  // Ends service now; what is in flight fails as unavailable.
  void break_off(const std::string& reason);

 private:
  struct Slot {
    Query* query = nullptr;  // null: the waiter left
    Duration allowance{};    // how long the waiter was willing to wait
    std::uint64_t statement = 0;
    bool prepares = false;
    int commands = 0;  // Close, Prepare and Execute, whichever there are
    int answered = 0;  // of them
    bool failed = false;
    bool lost_statement = false;
    bool opened_transaction = false;
    Error error;
    RowSet rows;
  };

  Slot& front() { return slots_[first_]; }
  bool queue_commands(Query& query, Slot& slot);
  void drain();
  void take_result(Slot& slot, PGresult* result);
  void note_failure(Slot& slot, const PGresult* result);
  void finish_front();
  void deliver(Slot& slot);
  void read();
  void leave(bool broken, const std::string& reason);
  void fail_all();
  void want(bool write);
  [[nodiscard]] Duration patience() const;
  [[nodiscard]] Duration hopeless_after() const;
  void watch_head();
  static void look_at_head(TimerNode& timer);

  // Set once.
  LaneOwner& owner_;
  Loop& loop_;
  const Config& config_;
  Counters& counters_;

  Connection connection_;
  StatementCache statements_;
  std::vector<Slot> slots_;  // a ring; never resized
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  Instant head_since_;     // when the front slot became the front
  Poll* poll_ = nullptr;   // in flight
  bool watching_ = false;  // the timer is armed
  bool unflushed_ = false;
  bool wants_write_ = false;
  bool in_service_ = true;
  bool broken_ = false;
  std::string reason_;
};

}  // namespace sk::pg
