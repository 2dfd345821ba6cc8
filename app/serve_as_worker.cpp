// A worker gets its links over fd 3, one per thread of the balancer. It ends when the supervisor
// closes that socket, or on SIGTERM; SIGINT is the balancer's business, which shares the terminal.
#include "net/io/task_group.h"
#include "net/link/control.h"
#include "net/link/link_server.h"

#include "app/process.h"
#include "app/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::app {
namespace {

constexpr auto kDrainCheck = std::chrono::milliseconds(20);

class Worker {
 public:
  Worker(Process& process, const Routes& routes, const Config& config)
      : process_(process),
        loop_(process.loop()),
        routes_(routes),
        config_(config),
        boot_id_(loop_.random()),
        control_scope_(loop_),
        links_scope_(loop_),
        tasks_(loop_) {}

  Task<void> run() {
    process_.on_impatience([this] { links_scope_.cancel(); });
    tasks_.spawn(stop_on_signal());
    co_await take_links();
    // No more links will come: the supervisor is gone, or we were asked to stop.
    stopping_ = true;
    process_.engine().runtime().set_stopping();
    for (const std::unique_ptr<LinkServer>& link : links_) {
      link->drain();
    }
    const Instant end = after(loop_.now(), config_.stop_timeout);
    while (!idle() && loop_.now() < end && !links_scope_.cancelled()) {
      Sleep pause(links_scope_, std::min(end, after(loop_.now(), kDrainCheck)));
      static_cast<void>(co_await pause);
    }
    links_scope_.cancel();
    process_.stop_wanted().set();  // ends stop_on_signal()
    co_await tasks_.join();
    ::close(kControlFd);
  }

 private:
  Task<void> stop_on_signal() {
    static_cast<void>(co_await process_.stop_wanted().wait_uninterruptible());
    control_scope_.cancel();
  }

  Task<void> take_links() {
    while (true) {
      Result<LinkEnds> ends = co_await receive_link(control_scope_, kControlFd);
      if (!ends) {
        if (ends.error().code != ErrorCode::closed && !control_scope_.cancelled()) {
          process_.log().event(LogLevel::error, "the control socket broke",
                               {{"err", describe(ends.error())}});
        }
        co_return;
      }
      Result<LinkPage> page = LinkPage::map(ends->page_fd, ends->limits.slots);
      if (!page) {
        ::close(ends->socket_fd);
        process_.log().event(LogLevel::error, "a link's page cannot be mapped",
                             {{"err", describe(page.error())}});
        continue;
      }
      LinkServerConfig config;
      config.boot_id = boot_id_;
      config.route_patterns = routes_.router().patterns();
      links_.push_back(std::make_unique<LinkServer>(loop_, ends->socket_fd, std::move(*page),
                                                    ends->limits, std::move(config),
                                                    process_.engine().runtime()));
      tasks_.spawn(serve(*links_.back()));
    }
  }

  Task<void> serve(LinkServer& link) {
    const Error ended = co_await link.run(links_scope_);
    if (!stopping_ && ended.code != ErrorCode::closed) {
      process_.log().event(LogLevel::warn, "a link ended", {{"err", describe(ended)}});
    }
  }

  // Every link has answered and sent what it had begun.
  [[nodiscard]] bool idle() const {
    return std::ranges::all_of(links_, [](const std::unique_ptr<LinkServer>& link) {
      return link->open_exchanges() == 0 && link->flushed();
    });
  }

  Process& process_;
  Loop& loop_;
  const Routes& routes_;
  const Config& config_;
  const std::uint64_t boot_id_;
  CancelScope control_scope_;
  CancelScope links_scope_;
  std::vector<std::unique_ptr<LinkServer>> links_;  // kept until the end: there are few
  TaskGroup tasks_;
  bool stopping_ = false;
};

}  // namespace

bool started_as_worker() {
  const char* value = std::getenv(kWorkerEnvironment);
  return value != nullptr && std::string_view(value) == "1";
}

int serve_as_worker(const Routes& routes, const Config& config, const Identity& identity) {
  prepare_signals();
  // Whatever this process starts must not hold on to the supervisor's socket.
  if (::fcntl(kControlFd, F_SETFD, FD_CLOEXEC) != 0) {
    std::fprintf(stderr,
                 "%s: %s=1 is set, but descriptor 3 is no socket: only sidekick-lb sets it\n",
                 identity.name.c_str(), kWorkerEnvironment);
    return 1;
  }
  ::unsetenv(kWorkerEnvironment);
  Process process(routes, config, identity, Role::worker);
  if (!process.ok()) {
    return 1;
  }
  Worker worker(process, routes, config);
  return process.run(worker.run());
}

}  // namespace sk::app
