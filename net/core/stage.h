// Stages: the parts into which the time of a request is divided, and the clock that divides it.
//
// The table below is the only one: its names stand in the log ("topStage"), in metrics, in
// Server-Timing and in 504 answers; docs/latency-budgets.md explains them to operators. Balancer
// and worker fill different rows of it; lb/stage_report.h joins them.
#pragma once

#include "net/core/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// name in code and on the outside; where the time was spent
#define SK_STAGE_TABLE(X)                                                                         \
  X(read)        /* waiting for bytes of the client's request body */                             \
  X(route)       /* choosing an endpoint; attempts that failed before the last one */             \
  X(connect)     /* making a connection to the endpoint */                                        \
  X(worker_wait) /* forwarded over a link, handler not entered: buffers, and the worker's loop */ \
  X(handler)     /* in the handler, outside of what follows */                                    \
  X(pg_pool)     /* SQL statements waiting for a place on a connection */                         \
  X(pg)          /* SQL statements on their way, at the server, and back */                       \
  X(redis)       /* Redis commands */                                                             \
  X(upstream)    /* at a plain HTTP endpoint, which tells no more */                              \
  X(write)       /* handing the answer to the client */

namespace sk {

enum class Stage : std::uint8_t {
#define SK_STAGE_ENUM(name) name,
  SK_STAGE_TABLE(SK_STAGE_ENUM)
#undef SK_STAGE_ENUM
};

#define SK_STAGE_COUNT(name) +1
inline constexpr std::size_t kStages = SK_STAGE_TABLE(SK_STAGE_COUNT);
#undef SK_STAGE_COUNT

// "worker_wait". Static text.
[[nodiscard]] std::string_view to_string(Stage stage) noexcept;

// How long a request was in each stage.
class StageTimes {
 public:
  [[nodiscard]] Duration& operator[](Stage stage) {
    return times_[static_cast<std::size_t>(stage)];
  }
  [[nodiscard]] Duration operator[](Stage stage) const {
    return times_[static_cast<std::size_t>(stage)];
  }
  [[nodiscard]] Duration sum() const;
  // The stage that took the most; the first of the table among equals.
  [[nodiscard]] Stage top() const;
  void reset() { times_.fill(Duration::zero()); }

 private:
  std::array<Duration, kStages> times_{};
};

class StageClock;

// Told after every change of a running clock: the worker's end of a link publishes it.
class StageObserver {
 public:
  virtual void stage_changed(const StageClock& clock) = 0;

 protected:
  ~StageObserver() = default;
};

// StageClock divides the time of one request into stages that do not overlap.
//
// At every moment the request is in one stage: in that of the wait which comes first in the order
// pg, pg_pool, redis, read, write among those under way, or, while none is, in the base stage. So
// waits that run beside each other are counted once, and the times always add up to what passed.
// Instants may lag behind earlier ones by as much as a turn of the loop; time never runs backwards.
// Neither allocates nor asks the kernel for the time: callers bring the instants.
// A clock that does not run ignores everything, at the cost of a test.
class StageClock {
 public:
  void start(Stage base, Instant at, StageObserver* observer = nullptr);
  // Ends the stage that is under way; the times stay.
  void stop(Instant at);
  // Stopped, with all times zero.
  void reset();

  [[nodiscard]] bool running() const { return running_; }
  // Closes the present stage at `at`, so that times() are those up to then.
  void advance(Instant at);
  void set_base(Stage base, Instant at);
  // A wait begins, changes its kind, ends. Each enter() is followed by one leave().
  void enter(Stage wait, Instant at);
  void move(Stage from, Stage to, Instant at);
  void leave(Stage wait, Instant at);
  // What was spent in one stage turns out to belong to another: attempts that failed.
  void reassign(Stage from, Stage to);

  // The deadline has come: remembers in which stage.
  void strike();
  // The last deadline that struck found the request there.
  [[nodiscard]] std::optional<Stage> struck() const { return struck_; }
  // Where the request is; of a clock that was never started, in the handler.
  [[nodiscard]] Stage present() const { return present_; }

  [[nodiscard]] Instant started_at() const { return started_at_; }
  [[nodiscard]] const StageTimes& times() const { return times_; }

 private:
  [[nodiscard]] std::uint16_t& waits(Stage stage);
  void find_present();
  void changed();

  StageTimes times_;
  Instant started_at_ = kNever;
  Instant since_ = kNever;  // when the present stage began
  StageObserver* observer_ = nullptr;
  std::array<std::uint16_t, kStages> waits_{};  // under way, by stage
  Stage base_ = Stage::handler;
  Stage present_ = Stage::handler;
  std::optional<Stage> struck_;
  bool running_ = false;
};

}  // namespace sk
