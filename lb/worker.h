// Worker: one place for a worker process, kept filled: start, readiness, end, back-off, start
// again.
//
// Belongs to the control loop. The data threads get their links (or, for HTTP/1.1 workers, only the
// endpoint's state); what happens to links is told by link_event().
#pragma once

#include "net/core/log_line.h"
#include "net/io/cancel.h"
#include "net/io/event.h"
#include "net/io/task_group.h"

#include "lb/backoff.h"
#include "lb/data_thread.h"
#include "lb/serving.h"
#include "lb/spawn.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sk::lb {

using DataThreads = std::vector<std::unique_ptr<DataThread>>;

// What all workers of a server have in common.
struct WorkerSurroundings {
  Loop& loop;
  Log& log;
  Serving& serving;
  DataThreads& threads;
  std::uint64_t boot_id;
  // A worker's crash-loop breaker has opened.
  std::function<void()> on_crash_loop;
};

class Worker {
 public:
  // plan: all that does not change from process to process.
  Worker(WorkerSurroundings& around, WorkerPlace place, SpawnPlan plan);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Keeps a process there until stop() was called and the last one has ended.
  Task<void> keep();

  // Asks the process to end: by closing its control socket, or SIGTERM; at `kill_at` by SIGKILL.
  void stop(Instant kill_at);

  // From a data thread, posted to the control loop.
  void link_event(std::uint32_t thread, const LinkEvent& event);

  // Any thread.
  std::uint64_t starts() const { return starts_.load(std::memory_order_relaxed); }
  const std::string& name() const { return name_; }
  // It ends again and again and has never been ready.
  bool hopeless() const { return crash_loop_ && !was_ready_; }
  // Of the process that was started and not waited for yet; -1 without one.
  pid_t pid() const;

 private:
  struct Process;

  Task<void> run_once();
  Result<void> start(std::string& why);
  Result<void> pass_links(Process& process, std::string& why);
  Task<void> watch_ready(Process& process);
  Task<void> await_port(Process& process);
  Task<void> kill_later(Process& process, Instant at);
  void became_ready(Process& process);
  void log_end(const Process& process, int status);
  void end(Process& process, int signal);

  WorkerSurroundings& around_;
  const WorkerPlace place_;
  const WorkersConfig& config_;
  Endpoint& endpoint_;
  const SpawnPlan plan_;
  const std::string name_;  // "app worker 1"
  RestartBackoff backoff_;
  std::unique_ptr<Process> process_;
  std::atomic<std::uint64_t> starts_{0};  // also the number of the current process
  bool was_ready_ = false;
  bool crash_loop_ = false;
  bool stopping_ = false;
  Instant kill_at_ = kNever;
  CancelScope scope_;  // of the pause between two processes
};

}  // namespace sk::lb
