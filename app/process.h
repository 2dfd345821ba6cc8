// Process: what serve_alone() and serve_as_worker() have in common: log, probe, loop, engine,
// signals.
#pragma once

#include "net/core/log_line.h"
#include "net/core/log_writer.h"
#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/io/signals.h"
#include "net/io/task.h"

#include "app/engine.h"
#include "app/serve.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sk::app {

// Blocks SIGTERM and SIGINT: call before any thread starts.
void prepare_signals();

class Process {
 public:
  // Writes one line to stderr and gives no loop where the kernel refuses one or the configuration
  // is unusable; ok() is false then.
  Process(const Routes& routes, const Config& config, const Identity& identity, Role role);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] bool ok() const { return engine_ != nullptr; }
  [[nodiscard]] Loop& loop() { return *loop_; }
  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] Log& log() { return engine_->log(); }
  // Set by the first SIGTERM, or SIGINT of a process that runs alone.
  [[nodiscard]] Event& stop_wanted() { return stop_wanted_.value(); }
  // Called for every later one: stop without waiting.
  void on_impatience(std::function<void()> action) { impatience_ = std::move(action); }

  // Runs the loop until the task is over, then closes the engine. Returns the exit code.
  int run(Task<void> task);

 private:
  Task<void> run_and_close(Task<void> task);

  std::unique_ptr<LogWriter> log_writer_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Engine> engine_;
  std::optional<Event> stop_wanted_;
  std::optional<SignalSource> signals_;
  std::function<void()> impatience_;
  bool stopping_ = false;
};

}  // namespace sk::app
