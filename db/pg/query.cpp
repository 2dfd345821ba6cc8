#include "db/pg/query.h"

#include "net/io/loop.h"

#include "db/pg/executor.h"

#include <algorithm>
#include <utility>

namespace sk::pg {
namespace {

Error interruption(ErrorCode reason) {
  switch (reason) {
    case ErrorCode::timeout:
      return make_error(ErrorKind::timeout, "no answer within the statement timeout");
    case ErrorCode::deadline:
      return make_error(ErrorKind::timeout, "no answer before the deadline");
    default:
      return make_error(ErrorKind::cancelled, "the waiting request was cancelled");
  }
}

}  // namespace

Query::Query(Executor& executor, CancelScope& scope, std::string_view sql, Parameters parameters)
    : Wait(scope.loop(), resume_waiter, on_interrupt),
      executor_(executor),
      scope_(&scope),
      sql_(sql),
      parameters_(std::move(parameters)) {}

bool Query::await_suspend(std::coroutine_handle<> waiter) {
  const Instant latest = after(loop_.now(), executor_.timeout_);
  if (!arm(scope_, latest)) {
    outcome_ = std::unexpected(interruption(reason()));
    return false;
  }
  waiter_ = waiter;
  until_ = std::min(latest, scope_->deadline());
  clock_ = scope_->stage_clock();
  if (clock_ != nullptr) {
    clock_->enter(stage_, loop_.read_clock());
  }
  executor_.submit(*this);
  return true;
}

void Query::note_sent() {
  sent = true;
  if (clock_ != nullptr && stage_ != Stage::pg) {
    stage_ = Stage::pg;
    clock_->move(Stage::pg_pool, Stage::pg, loop_.now());
  }
}

void Query::leave_stage() {
  if (StageClock* clock = std::exchange(clock_, nullptr)) {
    clock->leave(stage_, loop_.now());
  }
}

void Query::finish(RowSet rows) {
  leave_stage();
  outcome_ = std::move(rows);
  place = nullptr;
  disarm();
  loop_.make_ready(*this);
}

void Query::fail(Error error) {
  leave_stage();
  outcome_ = std::unexpected(std::move(error));
  place = nullptr;
  disarm();
  loop_.make_ready(*this);
}

void Query::on_interrupt(Wait& wait) {
  auto& self = static_cast<Query&>(wait);
  Error error = interruption(self.reason());
  error.maybe_executed = self.sent;
  self.executor_.withdraw(self);
  self.fail(std::move(error));
}

}  // namespace sk::pg
