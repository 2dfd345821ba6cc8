#include "app/process.h"

#include "net/io/task_group.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

namespace sk::app {

void prepare_signals() { block_signals({SIGTERM, SIGINT}); }

Process::Process(const Routes& routes, const Config& config, const Identity& identity, Role role) {
  const auto refuse = [&](const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", identity.name.c_str(), why.c_str());
  };
  log_writer_ = std::make_unique<LogWriter>(STDOUT_FILENO, this_process("app"));
  log_writer_->start();
  std::string why;
  const Result<IoProbe> probe = probe_io(config.io, why);
  if (!probe) {
    refuse(why + " (io = \"uring\" insists on it; \"auto\" would take epoll)");
    return;
  }
  try {
    loop_ = Loop::create(probe->backend, {.buffers = config.buffers});
    stop_wanted_.emplace(*loop_);
    const auto on_signal = [this](int, int) {
      if (stopping_ && impatience_) {
        impatience_();
      }
      stopping_ = true;
      stop_wanted_->set();
    };
    if (role == Role::worker) {
      // Control-C reaches the whole foreground group; the balancer drains and then ends us.
      signals_.emplace(*loop_, std::initializer_list<int>{SIGTERM}, on_signal);
    } else {
      signals_.emplace(*loop_, std::initializer_list<int>{SIGTERM, SIGINT}, on_signal);
    }
  } catch (const std::exception& error) {
    refuse(std::string("no event loop: ") + error.what());
    return;
  }
  auto engine = Engine::create(*loop_, config, routes, role, *log_writer_, identity.name);
  if (!engine) {
    refuse(engine.error());
    return;
  }
  engine_ = std::move(*engine);
  engine_->log().event(LogLevel::info, "event loop", {{"io", probe->describe()}});
}

Process::~Process() {
  engine_.reset();
  signals_.reset();
  stop_wanted_.reset();
  loop_.reset();
  log_writer_->stop(std::chrono::seconds(1));
}

Task<void> Process::run_and_close(Task<void> task) {
  co_await task;
  co_await engine_->close();
  co_await signals_->stop();
  loop_->stop();
}

int Process::run(Task<void> task) {
  signals_->start();
  engine_->start();
  TaskGroup root(*loop_);
  root.spawn(run_and_close(std::move(task)));
  if (root.live() != 0) {
    loop_->run();
  }
  return 0;
}

}  // namespace sk::app
