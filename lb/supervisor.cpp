#include "lb/supervisor.h"

#include "net/core/owned_fd.h"
#include "net/io/loop.h"
#include "net/link/control.h"

#include "lb/metric_names.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <utility>

extern char** environ;

namespace sk::lb {
namespace {

// A port of the loopback that nobody has now. The kernel could give it to somebody else before the
// worker binds it; the worker then ends, and is started again.
Result<std::uint16_t> free_port() {
  const OwnedFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd.get() < 0 ||
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail(error_from_errno(errno, "a port for a worker"));
  }
  return ntohs(address.sin_port);
}

void unset_variable(std::vector<std::string>& environment, const std::string& name) {
  std::erase_if(environment, [&](const std::string& line) { return line.starts_with(name + "="); });
}

void set_variable(std::vector<std::string>& environment, const std::string& name,
                  const std::string& value) {
  unset_variable(environment, name);
  environment.push_back(name + "=" + value);
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Log& log, Serving& serving, DataThreads& threads,
                       std::function<void()> on_hopeless)
    : around_{loop,
              log,
              serving,
              threads,
              loop.random(),
              [this] {
                if (hopeless()) {
                  on_hopeless_();
                }
              }},
      on_hopeless_(std::move(on_hopeless)),
      workers_(serving.upstreams.size()),
      tasks_(loop) {}

Supervisor::~Supervisor() = default;

Result<void> Supervisor::choose_ports(Serving& serving, std::string& why) {
  for (const std::unique_ptr<Upstream>& upstream : serving.upstreams) {
    std::vector<std::uint16_t>& ports = serving.worker_ports.emplace_back();
    if (!upstream->has_workers() || upstream->is_link()) {
      continue;
    }
    for (std::size_t count = upstream->endpoints().size(); count > 0; --count) {
      const Result<std::uint16_t> port = free_port();
      if (!port) {
        why = "upstream " + upstream->config().name + ": " + describe(port.error());
        return fail(port.error());
      }
      ports.push_back(*port);
    }
  }
  return {};
}

std::optional<User> Supervisor::choose_user(const WorkersConfig& config, const std::string& program,
                                            std::string& why) {
  if (!config.user.empty()) {
    std::optional<User> user = find_user(config.user);
    if (!user) {
      why = "there is no user " + config.user + "; create it or correct workers.user";
    }
    return user && user->uid == ::getuid() ? std::nullopt : user;
  }
  if (::getuid() != 0) {
    return std::nullopt;
  }
  std::optional<User> user = find_user("sidekick");
  user = user ? user : find_user("nobody");
  if (!user) {
    return std::nullopt;
  }
  std::array<char, PATH_MAX> here{};
  const std::string directory = !config.directory.empty() ? config.directory
                                : ::getcwd(here.data(), here.size()) != nullptr
                                    ? std::string(here.data())
                                    : std::string("/");
  if (user_can_reach(*user, program, X_OK) && user_can_reach(*user, directory, X_OK)) {
    return user;
  }
  around_.log.event(LogLevel::warn, "workers run as root, because user " + user->name +
                                        " cannot reach " + program + " or " + directory +
                                        ": install them elsewhere, or set workers.user");
  return std::nullopt;
}

Result<SpawnPlan> Supervisor::make_plan(const Upstream& upstream, std::uint32_t endpoint,
                                        std::string& why) {
  const WorkersConfig& config = *upstream.config().workers;
  SpawnPlan plan;
  const std::optional<std::string> program = find_program(config.command.front());
  if (!program) {
    const std::string& name = config.command.front();
    const char* where = name.find('/') == std::string::npos ? " in PATH" : "";
    why = "upstream " + upstream.config().name + ": there is no program " + name + where +
          " that can be run; install it or correct workers.command";
    return fail(ErrorCode::not_found, "program", ErrorOrigin::config);
  }
  plan.program = *program;
  plan.arguments = config.command;
  plan.directory = config.directory;
  std::string user_trouble;
  plan.user = choose_user(config, plan.program, user_trouble);
  if (!user_trouble.empty()) {
    why = "upstream " + upstream.config().name + ": " + user_trouble;
    return fail(ErrorCode::not_found, "user", ErrorOrigin::config);
  }
  if (!config.cpus.empty()) {
    plan.cpu = config.cpus[endpoint % config.cpus.size()];
  }
  for (char** line = environ; *line != nullptr; ++line) {
    plan.environment.emplace_back(*line);
  }
  unset_variable(plan.environment, "SIDEKICK_TIMING_SECRET");  // it is between client and balancer
  if (config.protocol == WorkerProtocol::link) {
    set_variable(plan.environment, kWorkerEnvironment, "1");
    set_variable(plan.environment, kWorkerMemoryEnvironment,
                 std::to_string(around_.serving.sizing.worker_memory_bytes));
  } else {
    unset_variable(plan.environment, kWorkerEnvironment);
    const std::uint16_t port = around_.serving.worker_ports[place_of(upstream)][endpoint];
    set_variable(plan.environment, "PORT", std::to_string(port));
    set_variable(plan.environment, "HOST", "127.0.0.1");
  }
  for (const auto& [name, value] : config.env) {
    set_variable(plan.environment, name, value);
  }
  return plan;
}

std::uint32_t Supervisor::place_of(const Upstream& upstream) const {
  std::uint32_t index = 0;
  while (around_.serving.upstreams[index].get() != &upstream) {
    ++index;
  }
  return index;
}

Result<void> Supervisor::start(std::string& why) {
  for (std::uint32_t index = 0; index < workers_.size(); ++index) {
    const Upstream& upstream = *around_.serving.upstreams[index];
    if (!upstream.has_workers()) {
      continue;
    }
    for (std::uint32_t endpoint = 0; endpoint < upstream.endpoints().size(); ++endpoint) {
      Result<SpawnPlan> plan = make_plan(upstream, endpoint, why);
      if (!plan) {
        return fail(plan.error());
      }
      workers_[index].push_back(
          std::make_unique<Worker>(around_, WorkerPlace{index, endpoint}, std::move(*plan)));
    }
  }
  for (const auto& of_upstream : workers_) {
    for (const std::unique_ptr<Worker>& worker : of_upstream) {
      tasks_.spawn(worker->keep());
    }
  }
  return {};
}

void Supervisor::link_event(WorkerPlace place, std::uint32_t thread, const LinkEvent& event) {
  if (place.endpoint < workers_[place.upstream].size()) {
    workers_[place.upstream][place.endpoint]->link_event(thread, event);
  }
}

Task<void> Supervisor::stop(Instant kill_at) {
  stopping_ = true;
  hurry(kill_at);
  co_await tasks_.join();
}

void Supervisor::hurry(Instant kill_at) {
  for (const auto& of_upstream : workers_) {
    for (const std::unique_ptr<Worker>& worker : of_upstream) {
      worker->stop(kill_at);
    }
  }
}

bool Supervisor::hopeless() const {
  // An upstream without workers has endpoints.
  return std::ranges::all_of(workers_, [](const auto& of_upstream) {
    return !of_upstream.empty() &&
           std::ranges::all_of(of_upstream, [](const auto& worker) { return worker->hopeless(); });
  });
}

bool Supervisor::owns(pid_t pid) const {
  for (const auto& of_upstream : workers_) {
    for (const std::unique_ptr<Worker>& worker : of_upstream) {
      if (worker->pid() == pid) {
        return true;
      }
    }
  }
  return false;
}

void Supervisor::print_metrics(PrometheusText& out) const {
  out.family(metric::kWorkerStarts);
  for (std::size_t index = 0; index < workers_.size(); ++index) {
    for (const std::unique_ptr<Worker>& worker : workers_[index]) {
      out.sample({{"worker", worker->name()}}, worker->starts());
    }
  }
}

}  // namespace sk::lb
