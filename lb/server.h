// Server: the whole balancer, from its configuration to its exit code.
//
// run() is the control thread: signals, supervisor, and the order of start and end. Data threads
// and the log writer run beside it.
#pragma once

#include "net/core/log_line.h"
#include "net/core/log_writer.h"
#include "net/io/loop.h"
#include "net/io/signals.h"
#include "net/io/task_group.h"

#include "lb/config.h"
#include "lb/data_thread.h"
#include "lb/serving.h"
#include "lb/supervisor.h"

#include <functional>
#include <memory>
#include <string>

namespace sk::lb {

class Server {
 public:
  // config outlives the server. SIGTERM, SIGINT, SIGHUP and SIGCHLD must be blocked (block_signals)
  // before any thread exists.
  explicit Server(const Config& config);
  ~Server();

  // Serves until SIGTERM or SIGINT. The exit code: 0 after an orderly end, 1 where it could not
  // start, or no worker could ever be brought up (a line in the log says why).
  int run();

 private:
  bool set_up();
  bool choose_backend();
  bool open_listeners();
  bool open_listener(const ListenerConfig& config, bool admin);
  bool start_threads();
  void log_ready();

  void on_signal(int signal, int sender);
  void give_up();
  void reap_orphans();
  Task<void> drain();
  Task<void> wait_for_quiet();
  // Calls step for every data thread and waits until all have called back. Calls `meanwhile` now
  // and then.
  Task<void> on_all_threads(std::function<void(DataThread&, DataThread::Done)> step,
                            std::function<void()> meanwhile);
  void cut_off_when_time_is_up();
  Instant stop_at() const;
  Instant kill_workers_at() const;

  std::string print_metrics() const;
  bool fatal(const std::string& text);

  const Config& config_;
  LogWriter log_writer_;
  Log log_;
  IoBackend backend_ = IoBackend::epoll;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Serving> serving_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  DataThreads threads_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<SignalSource> signals_;
  std::unique_ptr<TaskGroup> tasks_;
  std::unique_ptr<CancelScope> scope_;

  bool gave_up_ = false;
  // Control thread only, from SIGTERM on.
  Instant stopping_since_ = kNever;
  Instant hurry_at_ = kNever;  // a second signal came then: end at once
  bool cut_off_ = false;
};

}  // namespace sk::lb
