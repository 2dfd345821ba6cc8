#include "lb/worker.h"

#include "net/core/owned_fd.h"
#include "net/core/units.h"
#include "net/io/connector.h"
#include "net/io/loop.h"
#include "net/io/operation.h"
#include "net/link/control.h"

#include "lb/worker_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sk::lb {
namespace {

// How often a port is tried until an HTTP/1.1 worker listens there.
constexpr Duration kPortTryEvery = 25ms;
// After a worker has ended, how long we read what it had written last.
constexpr Duration kLastWords = 200ms;
// A link worker ends when its control socket closes; one that does not gets SIGTERM after this.
constexpr Duration kTermAfter = 1s;
// A worker that has drained and ended its links by itself is given so long to end as well.
constexpr Duration kGoneAfter = 5s;

Result<std::pair<OwnedFd, OwnedFd>> socket_pair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return fail(error_from_errno(errno, "socketpair"));
  }
  return std::pair(OwnedFd(ends[0]), OwnedFd(ends[1]));
}

// Our end does not block; the worker's does, as programs expect of their stdout.
Result<std::pair<OwnedFd, OwnedFd>> output_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(error_from_errno(errno, "pipe"));
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::pair(OwnedFd(ends[0]), OwnedFd(ends[1]));
}

}  // namespace

struct Worker::Process {
  explicit Process(Loop& loop, std::uint64_t which)
      : number(which),
        begun(loop.now()),
        scope(loop),
        output_scope(loop),
        tasks(loop),
        outputs(loop) {}

  const std::uint64_t number;
  const Instant begun;
  Child child;
  OwnedFd control;
  std::uint32_t links_ready = 0;
  bool ready = false;
  bool leaving = false;  // it has said that it will end
  bool ending = false;   // it has to end: we asked it to, or it has closed its links
  CancelScope scope;     // of what watches over it
  CancelScope output_scope;
  TaskGroup tasks;
  TaskGroup outputs;
  std::unique_ptr<WorkerOutput> out;
  std::unique_ptr<WorkerOutput> err;
};

Worker::Worker(WorkerSurroundings& around, WorkerPlace place, SpawnPlan plan)
    : around_(around),
      place_(place),
      config_(*around.serving.upstreams[place.upstream]->config().workers),
      endpoint_(*around.serving.upstreams[place.upstream]->endpoints()[place.endpoint]),
      plan_(std::move(plan)),
      name_(around.serving.upstreams[place.upstream]->config().name + " " + endpoint_.name()),
      backoff_(config_),
      scope_(around.loop) {}

Worker::~Worker() = default;

pid_t Worker::pid() const { return process_ != nullptr ? process_->child.pid : -1; }

Task<void> Worker::keep() {
  while (!stopping_) {
    backoff_.started(around_.loop.now());
    co_await run_once();
    endpoint_.set_state(EndpointState::dead);
    if (stopping_) {
      co_return;
    }
    const RestartBackoff::Restart restart =
        backoff_.ended(around_.loop.now(), around_.loop.random());
    crash_loop_ = restart.crash_loop;
    if (restart.crash_loop_begins) {
      around_.log.event(LogLevel::error,
                        "worker ends again and again: correct its configuration; it is tried "
                        "seldom from now on",
                        {{"worker", name_}, {"tryEvery", format_duration(config_.backoff_max)}});
      around_.on_crash_loop();
    }
    const Result<void> slept = co_await Sleep(scope_, around_.loop.now() + restart.pause);
    if (!slept) {
      co_return;
    }
  }
}

Task<void> Worker::run_once() {
  std::string why;
  process_ = std::make_unique<Process>(around_.loop, ++starts_);
  Process& process = *process_;
  const Result<void> running = start(why);
  if (!running) {
    around_.log.event(LogLevel::error, "worker cannot be started: " + why, {{"worker", name_}});
  } else {
    around_.log.event(LogLevel::info, "worker started",
                      {{"worker", name_}, {"workerPid", process.child.pid}});
    process.tasks.spawn(watch_ready(process));
    const Result<short> ended = co_await Poll(process.scope, process.child.pidfd, POLLIN);
    SK_ASSERT(ended.has_value());  // nobody cancels it before the process has ended
    int status = 0;
    ::waitpid(process.child.pid, &status, 0);
    endpoint_.set_state(EndpointState::dead);
    log_end(process, status);
    around_.loop.close(process.child.pidfd);
    process.child = Child{};
  }
  process.scope.cancel();
  if (around_.serving.upstreams[place_.upstream]->is_link()) {
    for (const std::unique_ptr<DataThread>& thread : around_.threads) {
      thread->detach_link(place_, process.number);
    }
  } else {
    for (const std::unique_ptr<DataThread>& thread : around_.threads) {
      thread->forget_idle(place_);
    }
  }
  co_await process.tasks.join();
  // A grandchild may hold the pipes open for ever; the worker's own last words are there already.
  const Result<void> slept = co_await Sleep(process.output_scope, around_.loop.now() + kLastWords);
  static_cast<void>(slept);
  process.output_scope.cancel();
  co_await process.outputs.join();
  process_.reset();
}

Result<void> Worker::start(std::string& why) {
  Process& process = *process_;
  Result<std::pair<OwnedFd, OwnedFd>> out = output_pipe();
  Result<std::pair<OwnedFd, OwnedFd>> err = output_pipe();
  Result<std::pair<OwnedFd, OwnedFd>> control = socket_pair(SOCK_SEQPACKET);
  for (const auto* pair : {&out, &err, &control}) {
    if (!*pair) {
      why = describe(pair->error());
      return fail(pair->error());
    }
  }
  const bool link = config_.protocol == WorkerProtocol::link;
  SpawnPlan plan = plan_;
  plan.stdout_fd = out->second.get();
  plan.stderr_fd = err->second.get();
  plan.control_fd = link ? control->second.get() : -1;
  endpoint_.set_state(EndpointState::warming);
  Result<Child> child = spawn(plan, why);
  if (!child) {
    return fail(child.error());
  }
  process.child = *child;
  process.out = std::make_unique<WorkerOutput>(around_.log, name_, "stdout");
  process.err = std::make_unique<WorkerOutput>(around_.log, name_, "stderr");
  process.outputs.spawn(process.out->forward(process.output_scope, out->first.release()));
  process.outputs.spawn(process.err->forward(process.output_scope, err->first.release()));
  if (link) {
    process.control = std::move(control->first);
    if (const Result<void> passed = pass_links(process, why); !passed) {
      // It runs, but cannot be used: its end is noticed like any other.
      around_.log.event(LogLevel::error, "worker gets no links: " + why, {{"worker", name_}});
      end(process, SIGKILL);
    }
  }
  return {};
}

Result<void> Worker::pass_links(Process& process, std::string& why) {
  for (const std::unique_ptr<DataThread>& thread : around_.threads) {
    const LinkLimits limits = around_.serving.sizing.link;
    Result<std::pair<OwnedFd, OwnedFd>> ends = socket_pair(SOCK_STREAM);
    Result<LinkPage> page = LinkPage::create(limits.slots);
    if (!ends || !page) {
      const Error error = !ends ? ends.error() : page.error();
      why = describe(error);
      return fail(error);
    }
    const Result<void> sent =
        send_link(process.control.get(), {ends->second.get(), page->fd(), limits});
    if (!sent) {
      why = describe(sent.error());
      return sent;
    }
    page->close_fd();
    thread->attach_link(place_, process.number, ends->first.release(), std::move(*page), limits,
                        around_.boot_id);
  }
  return {};
}

Task<void> Worker::watch_ready(Process& process) {
  if (config_.protocol == WorkerProtocol::http1) {
    co_await await_port(process);
    if (process.ready) {
      co_return;
    }
  }
  const Result<void> waited = co_await Sleep(process.scope, process.begun + config_.ready_timeout);
  if (waited && !process.ready && !process.ending) {
    around_.log.event(LogLevel::error, "worker did not become ready in time",
                      {{"worker", name_},
                       {"workerPid", process.child.pid},
                       {"readyTimeout", format_duration(config_.ready_timeout)}});
    end(process, SIGKILL);
  }
}

Task<void> Worker::await_port(Process& process) {
  const std::string address =
      "127.0.0.1:" + std::to_string(around_.serving.worker_ports[place_.upstream][place_.endpoint]);
  const Address port = *Address::parse(address);
  const Instant until = process.begun + config_.ready_timeout;
  while (around_.loop.now() < until) {
    const Result<int> fd = co_await connect_to(process.scope, port, until);
    if (fd) {
      around_.loop.close(*fd);
      became_ready(process);
      co_return;
    }
    const Result<void> slept = co_await Sleep(process.scope, around_.loop.now() + kPortTryEvery);
    if (!slept) {
      co_return;
    }
  }
}

void Worker::became_ready(Process& process) {
  if (process.ready || process.ending) {
    return;
  }
  process.ready = true;
  was_ready_ = true;
  endpoint_.succeeded();  // what is known of its predecessor does not hold for it
  endpoint_.set_state(EndpointState::ok);
  around_.log.event(LogLevel::info, "worker ready",
                    {{"worker", name_},
                     {"workerPid", process.child.pid},
                     {"afterMs", (around_.loop.now() - process.begun) / 1ms}});
}

void Worker::link_event(std::uint32_t thread, const LinkEvent& event) {
  if (process_ == nullptr || process_->number != event.process || process_->child.pid < 0) {
    return;  // of a process that has gone already
  }
  Process& process = *process_;
  switch (event.kind) {
    case LinkEvent::Kind::ready:
      // Usable when every thread can use it: whoever picks it must find its own link.
      if (++process.links_ready == around_.threads.size()) {
        became_ready(process);
      }
      return;
    case LinkEvent::Kind::draining:
      process.leaving = true;
      if (endpoint_.state() == EndpointState::ok) {
        endpoint_.set_state(EndpointState::draining);
      }
      return;
    case LinkEvent::Kind::ended:
      break;
  }
  endpoint_.set_state(EndpointState::dead);
  if (process.ending || event.error.code == ErrorCode::cancelled) {
    return;
  }
  if (process.leaving && event.error.code != ErrorCode::malformed) {
    process.ending = true;
    process.tasks.spawn(kill_later(process, around_.loop.now() + kGoneAfter));
    return;
  }
  if (event.error.code == ErrorCode::malformed) {
    around_.log.event(LogLevel::error, "worker broke the link's rules and is replaced",
                      {{"worker", name_},
                       {"workerPid", process.child.pid},
                       {"thread", thread},
                       {"rule", event.error.detail}});
  } else {
    around_.log.event(LogLevel::warn, "worker's link ended",
                      {{"worker", name_},
                       {"workerPid", process.child.pid},
                       {"thread", thread},
                       {"reason", describe(event.error)}});
  }
  end(process, SIGKILL);
}

void Worker::end(Process& process, int signal) {
  if (process.child.pid < 0) {
    return;
  }
  process.ending = true;
  endpoint_.set_state(EndpointState::dead);
  process.control.reset();
  process.child.signal(signal);
}

void Worker::stop(Instant kill_at) {
  if (stopping_) {
    if (process_ != nullptr && process_->child.pid >= 0 && kill_at < kill_at_) {
      process_->tasks.spawn(kill_later(*process_, kill_at));
    }
    return;
  }
  stopping_ = true;
  kill_at_ = kill_at;
  scope_.cancel();
  if (process_ == nullptr || process_->child.pid < 0) {
    return;
  }
  process_->ending = true;
  endpoint_.set_state(EndpointState::draining);
  if (config_.protocol == WorkerProtocol::link) {
    process_->control.reset();
  } else {
    process_->child.signal(SIGTERM);
  }
  process_->tasks.spawn(kill_later(*process_, kill_at));
}

Task<void> Worker::kill_later(Process& process, Instant at) {
  if (config_.protocol == WorkerProtocol::link) {
    const Instant term_at = std::min(at, around_.loop.now() + kTermAfter);
    const Result<void> slept = co_await Sleep(process.scope, term_at);
    if (!slept) {
      co_return;
    }
    process.child.signal(SIGTERM);
  }
  const Result<void> slept = co_await Sleep(process.scope, at);
  // It may have ended in the very turn in which the time is over.
  if (slept && process.child.signal(SIGKILL)) {
    around_.log.event(LogLevel::warn, "worker did not end in time and is killed",
                      {{"worker", name_}, {"workerPid", process.child.pid}});
  }
}

void Worker::log_end(const Process& process, int status) {
  const bool by_itself = process.leaving && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const bool expected = by_itself || (process.ending && stopping_);
  const LogLevel level = expected ? LogLevel::info : LogLevel::error;
  const std::int64_t lived_ms = (around_.loop.now() - process.begun) / 1ms;
  if (WIFSIGNALED(status)) {
    const char* signal = sigabbrev_np(WTERMSIG(status));
    around_.log.event(level, "worker ended",
                      {{"worker", name_},
                       {"workerPid", process.child.pid},
                       {"signal", "SIG" + std::string(signal != nullptr ? signal : "?")},
                       {"livedMs", lived_ms},
                       {"ready", process.ready ? "yes" : "no"}});
  } else {
    around_.log.event(level, "worker ended",
                      {{"worker", name_},
                       {"workerPid", process.child.pid},
                       {"exitCode", WEXITSTATUS(status)},
                       {"livedMs", lived_ms},
                       {"ready", process.ready ? "yes" : "no"}});
  }
}

}  // namespace sk::lb
