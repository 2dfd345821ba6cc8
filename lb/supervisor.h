// Supervisor: all workers of all upstreams.
//
// Belongs to the control loop; stop() must be awaited before destruction.
#pragma once

#include "lb/prometheus_text.h"
#include "lb/worker.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sk::lb {

class Supervisor {
 public:
  // on_hopeless: called where every upstream consists of workers that end again and again without
  // ever having been ready, so that nothing can be served.
  Supervisor(Loop& loop, Log& log, Serving& serving, DataThreads& threads,
             std::function<void()> on_hopeless);
  ~Supervisor();

  // Before the data threads exist: ports for HTTP/1.1 workers. Error: `why` says which and why.
  static Result<void> choose_ports(Serving& serving, std::string& why);

  // Finds programs and users; an Error (with `why`) where one is not there. Then starts all
  // workers.
  Result<void> start(std::string& why);

  // Any thread may cause it, but it is called on the control loop.
  void link_event(WorkerPlace place, std::uint32_t thread, const LinkEvent& event);

  // Asks all workers to end, and waits until they have; SIGKILL at kill_at.
  Task<void> stop(Instant kill_at);
  // While stop() waits: not later than that.
  void hurry(Instant kill_at);

  // The same, but only if stop() was called already.
  void hurry_if_stopping(Instant kill_at) {
    if (stopping_) {
      hurry(kill_at);
    }
  }

  // A process that a worker of ours started and has not waited for yet.
  bool owns(pid_t pid) const;

  void print_metrics(PrometheusText& out) const;

 private:
  bool hopeless() const;
  Result<SpawnPlan> make_plan(const Upstream& upstream, std::uint32_t endpoint, std::string& why);
  std::uint32_t place_of(const Upstream& upstream) const;
  std::optional<User> choose_user(const WorkersConfig& config, const std::string& program,
                                  std::string& why);

  WorkerSurroundings around_;
  const std::function<void()> on_hopeless_;
  std::vector<std::vector<std::unique_ptr<Worker>>> workers_;  // by upstream and endpoint
  TaskGroup tasks_;
  bool stopping_ = false;
};

}  // namespace sk::lb
