#include "lb/server.h"

#include "net/core/assert.h"
#include "net/core/units.h"
#include "net/io/address.h"
#include "net/io/event.h"

#include "lb/drain_plan.h"
#include "lb/metric_names.h"

#include "sidekick_version.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace sk::lb {
namespace {

constexpr Duration kHurry = 100ms;     // what a second signal leaves the workers
constexpr Duration kLookEvery = 20ms;  // while draining
// After the last sweep of the backlogs, for requests that are on their way already.
constexpr Duration kFirstBytes = 200ms;

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

Server::Server(const Config& config)
    : config_(config),
      log_writer_(STDOUT_FILENO, this_process("lb"), config.log.ring_bytes),
      log_(log_writer_) {}

Server::~Server() = default;

bool Server::fatal(const std::string& text) {
  log_.event(LogLevel::fatal, text);
  return false;
}

int Server::run() {
  log_writer_.start();
  raise_descriptor_limit();
  const bool up = set_up();
  if (up) {
    log_ready();
    loop_->run();
  } else {
    for (const std::unique_ptr<DataThread>& thread : threads_) {
      thread->finish();
    }
  }
  for (const std::unique_ptr<DataThread>& thread : threads_) {
    thread->join();
  }
  // What the threads posted last.
  if (loop_ != nullptr) {
    loop_->run_once(loop_->read_clock());
  }
  if (up) {
    log_.event(LogLevel::info, "stopped",
               {{"afterMs", (loop_->read_clock() - stopping_since_) / 1ms}});
  }
  log_writer_.stop(std::chrono::seconds(1));
  return up && !gave_up_ ? 0 : 1;
}

bool Server::set_up() {
  if (!choose_backend()) {
    return false;
  }
  try {
    loop_ = Loop::create(backend_, {.buffers = 64});
  } catch (const std::system_error& error) {
    return fatal(std::string("the event loop cannot be made: ") + error.what() +
                 "; raise the limit of descriptors (ulimit -n) or of memory");
  }
  scope_ = std::make_unique<CancelScope>(*loop_);
  tasks_ = std::make_unique<TaskGroup>(*loop_);
  const Machine machine = this_machine();
  const Sizing sizing = size_for(config_, machine);
  serving_ = std::make_unique<Serving>(config_, log_writer_, sizing.threads, sizing.workers);
  serving_->sizing = sizing;
  log_.event(LogLevel::info, "sized",
             {{"cpus", machine.cpus},
              {"memory", format_size(machine.memory_bytes >> 20 << 20)},
              {"threads", sizing.threads},
              {"workersPerUpstream", sizing.workers},
              {"connectionsMax", sizing.connections_max},
              {"outputBuffer", sizing.output_buffer_bytes},
              {"buffers", sizing.buffers},
              {"linkSlots", sizing.link.slots},
              {"linkPool", sizing.link.growth_pool},
              {"workerMemory", format_size(sizing.worker_memory_bytes >> 20 << 20)}});
  if (!open_listeners()) {
    return false;
  }
  std::string why;
  if (!Supervisor::choose_ports(*serving_, why)) {
    return fatal(why);
  }
  serving_->print_metrics = [this] { return print_metrics(); };
  serving_->on_link_event = [this](WorkerPlace place, std::uint32_t thread,
                                   const LinkEvent& event) {
    loop_->post([=, this] { supervisor_->link_event(place, thread, event); });
  };
  if (!start_threads()) {
    return false;
  }
  supervisor_ =
      std::make_unique<Supervisor>(*loop_, log_, *serving_, threads_, [this] { give_up(); });
  if (!supervisor_->start(why)) {
    return fatal(why);
  }
  signals_ = std::make_unique<SignalSource>(
      *loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP, SIGCHLD},
      [this](int signal, int sender) { on_signal(signal, sender); });
  signals_->start();
  for (const std::unique_ptr<DataThread>& thread : threads_) {
    thread->start_accepting();
  }
  return true;
}

bool Server::choose_backend() {
  std::string why;
  const Result<IoProbe> probe = probe_io(config_.server.io, why);
  if (!probe) {
    return fatal("io = \"uring\" was asked for, but " + why +
                 "; use io = \"auto\" to fall back to epoll");
  }
  backend_ = probe->backend;
  log_.event(LogLevel::info, "starting",
             {{"version", kVersion}, {"io", to_string(backend_)}, {"probe", probe->describe()}});
  return true;
}

bool Server::open_listeners() {
  bool all = true;
  for (const ListenerConfig& listener : config_.listeners) {
    all = open_listener(listener, false) && all;  // each failure gets its line
  }
  if (config_.admin.address) {
    ListenerConfig admin;
    admin.address = *config_.admin.address;
    all = open_listener(admin, true) && all;
  }
  return all;
}

bool Server::open_listener(const ListenerConfig& config, bool admin) {
  std::shared_ptr<const TlsContext> tls;
  if (config.tls) {
    ticket_keys_ = ticket_keys_ != nullptr ? ticket_keys_ : std::make_shared<TicketKeys>();
    const CertificateConfig& files = config.tls->certificates.front();
    sk::TlsConfig tls_config;
    tls_config.certificate = {files.cert, files.key};
    tls_config.name = to_string(config.address);
    std::string why;
    Result<std::shared_ptr<const TlsContext>> made =
        TlsContext::create(tls_config, ticket_keys_, why);
    if (!made) {
      return fatal("listener " + to_string(config.address) + ": " + why);
    }
    tls = std::move(*made);
    for (const std::string& warning : tls->warnings()) {
      log_.event(LogLevel::warn, warning, {{"listener", to_string(config.address)}});
    }
  }
  const Result<sk::Address> address = sk::Address::parse(to_string(config.address));
  SK_ASSERT(address.has_value());  // config_address.h accepts nothing else
  Result<Listener> socket = Listener::open(*address);
  if (!socket) {
    return fatal(explain_listen_failure(*address, socket.error()));
  }
  serving_->listeners.push_back(
      std::make_unique<OpenListener>(config, admin, std::move(*socket), std::move(tls)));
  return true;
}

bool Server::start_threads() {
  for (std::uint32_t index = 0; index < serving_->threads; ++index) {
    threads_.push_back(std::make_unique<DataThread>(*serving_, index, backend_));
    if (const Result<void> started = threads_.back()->start(); !started) {
      threads_.pop_back();
      return fatal("data thread " + std::to_string(index) +
                   " cannot start: " + describe(started.error()) +
                   "; set server.threads lower, or raise the limits of descriptors (ulimit -n) "
                   "and memory");
    }
  }
  return true;
}

void Server::log_ready() {
  for (const std::unique_ptr<OpenListener>& listener : serving_->listeners) {
    log_.event(LogLevel::info, "listening",
               {{"address", listener->socket.local().to_string()},
                {"serves", listener->admin                        ? "admin"
                           : listener->tls != nullptr             ? "https"
                           : listener->config.redirect_https != 0 ? "redirect to https"
                                                                  : "http"}});
  }
  log_.event(LogLevel::info, "started",
             {{"threads", serving_->threads},
              {"connectionsMax", serving_->sizing.connections_max},
              {"stopTimeout", format_duration(config_.server.stop_timeout)},
              {"drainTimeout", format_duration(drain_timeout(config_.server))}});
}

void Server::on_signal(int signal, int sender) {
  if (signal == SIGCHLD) {
    reap_orphans();
    return;
  }
  if (signal == SIGHUP) {
    log_.event(LogLevel::warn, "SIGHUP: the configuration is read at start only; restart instead");
    return;
  }
  if (stopping_since_ == kNever) {
    stopping_since_ = loop_->now();
    log_.event(LogLevel::info, "stopping",
               {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}, {"sender", sender}});
    tasks_->spawn(drain());
  } else if (hurry_at_ == kNever) {
    hurry_at_ = loop_->now();
    log_.event(LogLevel::warn, "stopping at once: a second signal came", {{"sender", sender}});
    supervisor_->hurry_if_stopping(hurry_at_ + kHurry);
  }
}

// Whoever runs us shall see that this configuration serves nothing, and may start us again.
void Server::give_up() {
  if (stopping_since_ != kNever) {
    return;
  }
  gave_up_ = true;
  stopping_since_ = loop_->now();
  fatal(
      "nothing can be served: every worker of every upstream ends again and again and none was "
      "ever ready; what they wrote last stands above, workers.command says what is run");
  tasks_->spawn(drain());
}

// As process 1 of a container we inherit whatever lost its parent. Workers are waited for by those
// who started them.
void Server::reap_orphans() {
  if (::getpid() != 1) {
    return;
  }
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
    if (supervisor_->owns(info.si_pid)) {
      // It hides those behind it until it is reaped: look again soon.
      loop_->post([this] { reap_orphans(); });
      return;
    }
    ::waitpid(info.si_pid, nullptr, WNOHANG);
    info = {};
  }
}

Instant Server::stop_at() const {
  return std::min(hurry_at_, stopping_since_ + drain_plan(config_.server).in_flight);
}

Instant Server::kill_workers_at() const {
  const Instant hurried = hurry_at_ == kNever ? kNever : hurry_at_ + kHurry;
  return std::min(hurried, stopping_since_ + drain_plan(config_.server).workers);
}

// Health says 503 and answers say "Connection: close", but whoever still comes is served: load
// balancers in front take a while to look away. drain_plan.h says how long.
Task<void> Server::wait_for_quiet() {
  const DrainPlan plan = drain_plan(config_.server);
  const auto requests = [this] {
    std::uint64_t sum = 0;
    for (std::uint32_t thread = 0; thread < serving_->threads; ++thread) {
      sum += serving_->metrics.thread(thread).requests_begun.read();
    }
    return sum;
  };
  std::uint64_t seen = requests();
  Instant last = loop_->now();
  while (hurry_at_ == kNever && loop_->now() - last < plan.quiet &&
         loop_->now() - stopping_since_ < plan.lame_duck) {
    const Result<void> slept = co_await Sleep(*scope_, loop_->now() + kLookEvery);
    static_cast<void>(slept);
    const std::uint64_t now = requests();
    last = now != seen ? loop_->now() : last;
    seen = now;
  }
}

Task<void> Server::on_all_threads(std::function<void(DataThread&, DataThread::Done)> step,
                                  std::function<void()> meanwhile) {
  std::size_t left = threads_.size();
  for (const std::unique_ptr<DataThread>& thread : threads_) {
    step(*thread, [this, &left] { loop_->post([&left] { --left; }); });
  }
  while (left > 0) {
    meanwhile();
    const Result<void> slept = co_await Sleep(*scope_, loop_->now() + kLookEvery);
    static_cast<void>(slept);
  }
}

void Server::cut_off_when_time_is_up() {
  if (cut_off_ || loop_->now() < stop_at()) {
    return;
  }
  cut_off_ = true;
  log_.event(LogLevel::warn, "the time to stop is up: what is still open is cut off",
             {{"connections", serving_->state.connections.load()}});
  for (const std::unique_ptr<DataThread>& thread : threads_) {
    thread->abort();
  }
}

Task<void> Server::drain() {
  using Step = std::function<void(DataThread&, DataThread::Done)>;
  serving_->state.draining.store(true, std::memory_order_relaxed);
  co_await wait_for_quiet();

  Step stop_accepting = [](DataThread& thread, DataThread::Done done) {
    thread.stop_accepting(std::move(done));
  };
  std::function<void()> nothing = [] {};
  co_await on_all_threads(stop_accepting, nothing);
  for (const std::unique_ptr<OpenListener>& listener : serving_->listeners) {
    listener->socket.close();
  }
  if (hurry_at_ == kNever) {
    const Result<void> slept = co_await Sleep(*scope_, loop_->now() + kFirstBytes);
    static_cast<void>(slept);
  }
  log_.event(LogLevel::info, "listeners closed",
             {{"afterMs", (loop_->now() - stopping_since_) / 1ms},
              {"connections", serving_->state.connections.load()}});

  Step end_connections = [](DataThread& thread, DataThread::Done done) {
    thread.drain(std::move(done));
  };
  std::function<void()> watch_the_time = [this] { cut_off_when_time_is_up(); };
  co_await on_all_threads(end_connections, watch_the_time);

  co_await supervisor_->stop(kill_workers_at());
  for (const std::unique_ptr<DataThread>& thread : threads_) {
    thread->finish();
  }
  co_await signals_->stop();
  loop_->stop();
}

std::string Server::print_metrics() const {
  PrometheusText out;
  out.family(metric::kBuildInfo);
  out.sample({{"version", kVersion}, {"io", to_string(backend_)}}, 1);
  out.family(metric::kReady);
  out.sample({}, serving_->health.objection() ? 0 : 1);
  serving_->metrics.print(out);
  const auto of_endpoints = [&](const metric::Family& family, auto value) {
    out.family(family);
    for (const std::unique_ptr<Upstream>& upstream : serving_->upstreams) {
      for (const std::unique_ptr<Endpoint>& endpoint : upstream->endpoints()) {
        out.sample({{"upstream", upstream->config().name}, {"endpoint", endpoint->name()}},
                   value(*endpoint));
      }
    }
  };
  of_endpoints(metric::kEndpointInFlight,
               [](const Endpoint& endpoint) { return std::uint64_t{endpoint.in_flight()}; });
  of_endpoints(metric::kEndpointUp, [](const Endpoint& endpoint) {
    return std::uint64_t{endpoint.state() == EndpointState::ok ? 1U : 0U};
  });
  of_endpoints(metric::kEndpointFailures,
               [](const Endpoint& endpoint) { return endpoint.failures_total(); });
  supervisor_->print_metrics(out);
  out.family(metric::kLogDropped);
  out.sample({}, log_writer_.dropped());
  return out.take();
}

}  // namespace sk::lb
