#include "db/pg/lane.h"

#include "net/io/operation.h"

#include "db/pg/client.h"
#include "db/pg/config.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace sk::pg {
namespace {

// A head is never called late before this, however short its waiter's deadline was: a quarantine
// costs a new connection.
constexpr Duration kPatienceMin = std::chrono::milliseconds(500);
constexpr Duration kLookEvery = std::chrono::milliseconds(100);

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using OwnResult = std::unique_ptr<PGresult, ClearResult>;

}  // namespace

Lane::Lane(LaneOwner& owner, Loop& loop, const Config& config, Counters& counters,
           Connection connection)
    : TimerNode(look_at_head),
      owner_(owner),
      loop_(loop),
      config_(config),
      counters_(counters),
      connection_(std::move(connection)),
      statements_(config.statements_max),
      slots_(config.in_flight_max) {}

Lane::~Lane() { loop_.timers().disarm(*this); }

bool Lane::enter_pipeline() { return PQenterPipelineMode(connection_.get()) == 1; }

// --- sending ---

void Lane::send(Query& query) {
  SK_ASSERT(has_room());
  const std::size_t index = (first_ + count_) % slots_.size();
  Slot& slot = slots_[index];
  slot = Slot{};
  if (!queue_commands(query, slot)) {
    const bool gone = PQstatus(connection_.get()) == CONNECTION_BAD;
    const std::string reason = connection_.message();
    if (gone) {
      owner_.send_again(query);  // nothing of it has left
    } else {
      query.fail(make_error(ErrorKind::rejected, reason));
    }
    // After a refusal in the middle nobody knows what libpq has queued.
    break_off(reason);
    return;
  }
  slot.query = &query;
  slot.allowance = std::max(Duration::zero(), query.until() - loop_.now());
  query.place = this;
  query.slot = index;
  query.note_sent();
  unflushed_ = true;
  ++counters_.sent;
  if (++count_ == 1) {
    head_since_ = loop_.now();
    watch_head();
  }
}

bool Lane::queue_commands(Query& query, Slot& slot) {
  PGconn* native = connection_.get();
  const Parameters& parameters = query.parameters();
  PreparedStatement* statement = statements_.find(query.sql(), parameters.types());
  std::string evicted;
  if (statement != nullptr && query.retried) {
    // The server lost it, or its result type changed: prepare it anew, under another name.
    evicted = statement->name;
    statements_.forget(statement->id);
    statement = nullptr;
  }
  if (statement == nullptr) {
    statement = &statements_.add(query.sql(), parameters.types(), evicted);
    slot.prepares = true;
    if (!evicted.empty()) {
      if (PQsendClosePrepared(native, evicted.c_str()) == 0) {
        return false;
      }
      ++slot.commands;
    }
    if (PQsendPrepare(native, statement->name.c_str(), statement->sql.c_str(),
                      static_cast<int>(parameters.size()), parameters.types().data()) == 0) {
      return false;
    }
    ++slot.commands;
    ++counters_.prepared;
  }
  slot.statement = statement->id;

  std::array<const char*, kParametersMax> values{};
  std::array<int, kParametersMax> sizes{};
  std::array<int, kParametersMax> formats{};
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters.is_null(i)) {
      const std::string_view value = parameters.value(i);
      values[i] = value.data();
      sizes[i] = static_cast<int>(value.size());
    }
    formats[i] = 1;
  }
  if (PQsendQueryPrepared(native, statement->name.c_str(), static_cast<int>(parameters.size()),
                          values.data(), sizes.data(), formats.data(), 1) == 0) {
    return false;
  }
  ++slot.commands;
  return PQsendPipelineSync(native) == 1;
}

void Lane::flush() {
  if (!unflushed_ || broken_) {
    return;
  }
  unflushed_ = false;
  const int left = PQflush(connection_.get());
  if (left < 0) {
    // What the server said before it went may still be read.
    read();
    break_off(connection_.message());
    return;
  }
  want(left == 1);
}

// Asks the poll in flight to make room for one with another mask.
void Lane::want(bool write) {
  if (wants_write_ != write) {
    wants_write_ = write;
    if (poll_ != nullptr) {
      poll_->stop(ErrorCode::cancelled);
    }
  }
}

void Lane::withdraw(Query& query) {
  Slot& slot = slots_[query.slot];
  SK_ASSERT(slot.query == &query);
  slot.query = nullptr;
  query.place = nullptr;
  ++counters_.abandoned;
}

// --- receiving ---

Task<void> Lane::serve(CancelScope& scope) {
  while (!broken_) {
    const short mask = wants_write_ ? POLLIN | POLLOUT : POLLIN;
    Poll poll(scope, connection_.fd(), mask);
    poll_ = &poll;
    const sk::Result<short> ready = co_await poll;
    poll_ = nullptr;
    if (broken_) {
      break;
    }
    if (!ready) {
      if (scope.cancelled()) {
        leave(true, "the client was closed");
      } else if (ready.error().code != ErrorCode::cancelled) {
        leave(true, "poll: " + sk::describe(ready.error()));
      }
      continue;
    }
    if ((*ready & ~POLLOUT) != 0) {
      read();
    }
    if (wants_write_ && !broken_) {
      unflushed_ = true;
      flush();
    }
    if (!in_service_ && count_ == 0) {
      leave(true, reason_);
    }
  }
  fail_all();
  loop_.timers().disarm(*this);
  connection_.close();
}

void Lane::read() {
  const bool alive = connection_.consume();
  drain();
  if (!alive || PQstatus(connection_.get()) == CONNECTION_BAD) {
    leave(true, connection_.message());
  }
}

void Lane::drain() {
  while (!broken_ && PQisBusy(connection_.get()) == 0) {
    if (count_ == 0) {
      // Nothing was asked. PQisBusy() has parsed what came unasked: notices, parameter changes, or
      // the server's good-bye, after which the connection ends by itself.
      return;
    }
    Slot& slot = front();
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) {
      // One more than there are commands where the Sync itself failed: a deferred constraint.
      if (++slot.answered > slot.commands + 1) {
        leave(true, "libpq and the lane disagree about what was sent");
      }
      continue;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
      PQclear(result);
      finish_front();
    } else {
      take_result(slot, result);
    }
  }
}

void Lane::take_result(Slot& slot, PGresult* native) {
  OwnResult result(native);
  switch (PQresultStatus(native)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY: {
      const std::string_view tag = PQcmdStatus(native);
      slot.opened_transaction |= tag == "BEGIN" || tag == "START TRANSACTION";
      if (slot.answered + 1 == slot.commands) {
        slot.rows = RowSet(result.release());
      }
      return;
    }
    case PGRES_PIPELINE_ABORTED:
      return;  // the error that caused it has been noted
    case PGRES_FATAL_ERROR:
      note_failure(slot, native);
      return;
    default:
      slot.failed = true;
      slot.error = make_error(ErrorKind::unsupported,
                              "the statement wants to copy data, which shared connections cannot");
      leave(true, "a statement switched the connection to COPY");
      return;
  }
}

void Lane::note_failure(Slot& slot, const PGresult* result) {
  if (slot.failed) {
    return;  // the first one is the cause
  }
  slot.failed = true;
  slot.error = error_of(result);
  const std::string_view state = slot.error.sqlstate();
  const char* function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
  const bool stale_plan = state == "0A000" && function != nullptr &&
                          std::string_view(function) == "RevalidateCachedQuery";
  slot.lost_statement = !slot.prepares && (state == "26000" || stale_plan);
  if (slot.prepares && slot.answered + 1 < slot.commands) {
    statements_.forget(slot.statement);  // Prepare itself failed
  }
}

void Lane::finish_front() {
  Slot& slot = front();
  const bool poisoned = slot.opened_transaction;
  const bool going_away = slot.failed && slot.error.kind == ErrorKind::unavailable;
  const std::string reason = going_away ? describe(slot.error) : std::string();
  deliver(slot);
  first_ = (first_ + 1) % slots_.size();
  --count_;
  head_since_ = loop_.now();
  // While other commands are in flight libpq calls every connection active; hence the tag as well.
  if (poisoned || (count_ == 0 && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE &&
                   PQstatus(connection_.get()) == CONNECTION_OK)) {
    leave(true, "a statement left the shared connection inside a transaction");
  } else if (going_away) {
    leave(true, reason);
  } else if (in_service_) {
    owner_.lane_has_room(*this);
  }
}

void Lane::deliver(Slot& slot) {
  Query* query = std::exchange(slot.query, nullptr);
  slot.failed ? ++counters_.failed : ++counters_.answered;
  if (query == nullptr) {
    slot.rows = RowSet();
    return;
  }
  query->place = nullptr;
  if (!slot.failed) {
    query->finish(std::move(slot.rows));
  } else if (slot.lost_statement && !query->retried && in_service_) {
    query->retried = true;
    owner_.send_again(*query);
  } else {
    // The server went away while it worked on the statement: who knows how far it got.
    slot.error.maybe_executed =
        slot.error.kind == ErrorKind::unavailable && slot.error.sqlstate() != "25006";
    query->fail(std::move(slot.error));
  }
}

// --- leaving ---

void Lane::leave(bool broken, const std::string& reason) {
  if (broken && !broken_) {
    broken_ = true;
    if (poll_ != nullptr) {
      poll_->stop(ErrorCode::cancelled);
    }
  }
  if (in_service_) {
    in_service_ = false;
    reason_ = reason;
    owner_.lane_left(*this, broken, reason);
  }
}

void Lane::break_off(const std::string& reason) { leave(true, reason); }

void Lane::fail_all() {
  for (; count_ > 0; --count_, first_ = (first_ + 1) % slots_.size()) {
    Slot& slot = front();
    Query* query = std::exchange(slot.query, nullptr);
    ++counters_.failed;
    if (query == nullptr) {
      continue;
    }
    Error error = slot.failed ? std::move(slot.error)
                              : make_error(ErrorKind::unavailable,
                                           "the connection was lost before the answer: " + reason_);
    error.maybe_executed = error.kind == ErrorKind::unavailable;
    query->place = nullptr;
    query->fail(std::move(error));
  }
}

// --- lateness ---

// How long the server may work on the front slot before the lane is given up for new statements:
// twice what its waiter was willing to wait, at most twice what the server itself allows.
Duration Lane::patience() const {
  return std::min(hopeless_after(), std::max(kPatienceMin, 2 * slots_[first_].allowance));
}

Duration Lane::hopeless_after() const { return 2 * Duration(config_.statement_timeout); }

// While anything is in flight the front is looked at now and then: cheaper than a timer per
// statement, which a busy lane would move thousands of times a second.
void Lane::watch_head() {
  if (!watching_) {
    watching_ = true;
    loop_.timers().arm(*this, after(loop_.now(), kLookEvery));
  }
}

void Lane::look_at_head(TimerNode& timer) {
  auto& self = static_cast<Lane&>(timer);
  self.watching_ = false;
  if (self.count_ == 0 || self.broken_) {
    return;
  }
  const Duration waited = self.loop_.now() - self.head_since_;
  if (waited >= self.hopeless_after()) {
    self.break_off("no answer within twice the statement timeout");
    return;
  }
  if (self.in_service_ && waited >= self.patience()) {
    ++self.counters_.quarantined;
    self.leave(false, "the oldest statement is late");
  }
  self.watch_head();
}

}  // namespace sk::pg
