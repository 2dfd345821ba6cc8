// Query is one statement on its way: what `co_await executor.one<T>(...)` waits in.
//
// It lives in the frame of the waiting coroutine. The executor knows it from submit() until it
// calls finish() or fail(), or until the query withdraws because its deadline came or its scope was
// cancelled. Never copied or moved; awaited once.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/io/wait.h"

#include "db/pg/error.h"
#include "db/pg/row_set.h"

#include <coroutine>
#include <cstddef>
#include <string_view>
#include <utility>

namespace sk::pg {

class Executor;
struct QueueTag {};

class Query : public Wait, public ListHook<QueueTag> {
 public:
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiter);

  // --- for executors ---
  [[nodiscard]] std::string_view sql() const { return sql_; }
  [[nodiscard]] const Parameters& parameters() const { return parameters_; }
  [[nodiscard]] Instant until() const { return until_; }

  // The statement leaves for the server now.
  void note_sent();
  // Both end the wait; the waiter is resumed from the ready list.
  void finish(RowSet rows);
  void fail(Error error);

  // Where the executor keeps the query once it was sent: a lane, and a slot of it.
  void* place = nullptr;
  std::size_t slot = 0;
  bool sent = false;     // it left for the server: its effect can no longer be ruled out
  bool retried = false;  // it was sent before, and the server had lost the prepared statement

 protected:
  Query(Executor& executor, CancelScope& scope, std::string_view sql, Parameters parameters);
  ~Query() = default;

  // The outcome, after the wait is over.
  [[nodiscard]] Result<RowSet>& outcome() { return outcome_; }

 private:
  static void on_interrupt(Wait& wait);
  void leave_stage();

  Executor& executor_;
  CancelScope* scope_;
  std::string_view sql_;
  Parameters parameters_;
  Instant until_ = kNever;
  Result<RowSet> outcome_;
  StageClock* clock_ = nullptr;  // while the wait counts in stage_: the request's
  Stage stage_ = Stage::pg_pool;
};

// Read turns the rows into what the caller asked for: Result<X> (*)(const RowSet&).
template <auto Read>
class TypedQuery final : public Query {
 public:
  TypedQuery(Executor& executor, CancelScope& scope, std::string_view sql, Parameters parameters)
      : Query(executor, scope, sql, std::move(parameters)) {}

  auto await_resume() -> decltype(Read(std::declval<const RowSet&>())) {
    if (!outcome()) {
      return std::unexpected(std::move(outcome().error()));
    }
    return Read(*outcome());
  }
};

}  // namespace sk::pg
