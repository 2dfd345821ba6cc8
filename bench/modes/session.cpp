#include "bench/modes/session.h"

#include "net/io/connector.h"

#include "bench/generator/closed_loop.h"
#include "bench/generator/random.h"
#include "bench/modes/progress.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sk::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr std::size_t kLoopBuffers = 8192;     // of 16 KiB, touched when used
constexpr std::size_t kAheadConnections = 16;  // opened before the first request
constexpr Duration kLookupTimeout = 5s;
constexpr Duration kNoSender = 0ms;

// Runs turns until the task has ended.
Task<void> mark_done(Loop& loop, Task<void> task, bool& done) {
  co_await task;
  done = true;
  loop.post([] {});  // so that the loop looks up before it sleeps
}

void block_on(Loop& loop, Task<void> task) {
  bool done = false;
  TaskGroup group(loop);
  group.spawn(mark_done(loop, std::move(task), done));
  while (!done) {
    loop.run_once(kNever);
  }
  loop.run_once(loop.now());  // the group's own end
}

// The first of the name's addresses that takes a connection ("localhost" is [::1] first, where
// often nobody listens); without one, the first.
Task<void> look_up(Loop& loop, std::string host, std::uint16_t port,
                   std::expected<Address, Error>& out) {
  Resolver resolver(loop);
  CancelScope scope(loop);
  const Instant until = after(loop.now(), kLookupTimeout);
  const Result<std::vector<Address>> found = co_await resolver.resolve(scope, host, port, until);
  co_await resolver.close();
  if (!found) {
    out = std::unexpected(found.error());
    co_return;
  }
  out = found->front();
  for (const Address& address : *found) {
    const Result<int> fd = co_await connect_to(scope, address, until);
    if (fd) {
      loop.close(*fd);
      out = address;
      co_return;
    }
  }
}

Task<void> close_pool(ClientPool& pool) { co_await pool.close(); }

// Sends one request and keeps what it got.
class OneAnswer final : public ClientPool::User {
 public:
  OneAnswer(Loop& loop, Prepared prepared, const Expectation& expect, AnswerCheck& check)
      : loop_(loop), prepared_(prepared), expect_(expect), check_(check) {}

  // Turns the loop until the answer is there, or is known not to come.
  void run(ClientPool& pool) {
    pool.serve(*this);
    Job job;
    job.due = loop_.now();
    job.dispatched = job.due;
    pool.submit(job);
    while (!done_) {
      loop_.run_once(kNever);
    }
  }

  Prepared prepare(const Job&) override { return prepared_; }
  void finished(const Job&, Ending ending, const Answer* answer, const Error& error) override {
    done_ = true;
    loop_.post([] {});
    answered = answer != nullptr;
    const std::optional<Failure> failure = failure_of(ending, answer, expect_, check_, wrong);
    if (failure && wrong.empty()) {
      wrong = describe(error);
    }
    if (answer != nullptr) {
      body = std::string(answer->body);
    }
  }

  bool answered = false;
  std::string wrong;
  std::string body;

 private:
  Loop& loop_;
  const Prepared prepared_;
  const Expectation& expect_;
  AnswerCheck& check_;
  bool done_ = false;
};

bool is_loopback(const Address& address) {
  const std::string text = address.to_string();
  return text.starts_with("127.") || text.starts_with("[::1]");
}

// Warm-up: nobody looks at the answers.
class Nobody final : public SampleSink {
 public:
  void began(Instant) override {}
  void take(const Sample&) override {}
};

}  // namespace

std::expected<std::unique_ptr<Session>, std::string> Session::open(const Options& options,
                                                                   const Scenario& scenario,
                                                                   const std::string& url) {
  Result<Target> target = Target::parse(url);
  if (!target) {
    return std::unexpected("target \"" + url + "\": " + target.error().detail);
  }
  std::string why;
  const Result<IoProbe> probe = probe_io(options.io, why);
  if (!probe) {
    return std::unexpected("--io: " + why);
  }
  LoopConfig config;
  config.buffers = kLoopBuffers;
  std::unique_ptr<Session> session(
      new Session(options, scenario, std::move(*target), Loop::create(probe->backend, config)));
  if (session->target_.tls) {
    TlsClientConfig tls;
    tls.authorities = options.authorities;
    tls.verify = !options.insecure;
    Result<std::shared_ptr<const TlsClientContext>> context = TlsClientContext::create(tls, why);
    if (!context) {
      return std::unexpected(why);
    }
    session->tls_ = std::move(*context);
  }
  if (const std::optional<std::string> wrong = session->resolve()) {
    return std::unexpected(*wrong);
  }
  session->make_pool();
  return session;
}

Session::Session(const Options& options, const Scenario& scenario, Target target,
                 std::unique_ptr<Loop> loop)
    : options_(options),
      scenario_(scenario),
      target_(std::move(target)),
      loop_(std::move(loop)),
      values_(scenario.parameters),
      seed_(options.seed) {
  for (const ScenarioRequest& request : scenario.requests) {
    templates_.emplace_back(request, target_.authority, options.timing_secret, values_);
  }
}

Session::~Session() {
  if (pool_ != nullptr) {
    block_on(*loop_, close_pool(*pool_));
  }
}

std::optional<std::string> Session::resolve() {
  std::expected<Address, Error> found;
  block_on(*loop_, look_up(*loop_, target_.host, target_.port, found));
  if (!found) {
    return "target " + target_.url + ": no address for \"" + target_.host + "\" (" +
           describe(found.error()) + ")";
  }
  address_ = *found;
  return std::nullopt;
}

void Session::make_pool() {
  PoolConfig config;
  config.connections_max = options_.connections;
  config.request_timeout = options_.timeout;
  pool_ = std::make_unique<ClientPool>(*loop_, target_, address_, tls_, config);
}

bool Session::target_is_here() const { return is_loopback(address_); }

Prepared Session::prepare(std::uint32_t request, std::uint64_t sequence) {
  RequestTemplate& what = templates_[request];
  return {what.render(seed_, sequence), what.method(),
          scenario_.requests[request].expect.looks_at_body() ? kBodyKeptMax : 0};
}

// ---- before the runs ----------------------------------------------------------------------------

Session::Got Session::ask(RequestTemplate& what, const ScenarioRequest& request,
                          std::uint64_t sequence) {
  OneAnswer one(*loop_, {what.render(seed_, sequence), what.method(), kBodyKeptMax}, request.expect,
                check_);
  one.run(*pool_);
  return {std::move(one.wrong), std::move(one.body)};
}

bool Session::wait_until_up(Duration patience) {
  const Instant until = after(loop_->read_clock(), patience);
  const Expectation any;  // whatever it answers will do, as long as it does not say 503
  RequestTemplate what(scenario_.requests.front(), target_.authority, {}, values_);
  while (loop_->read_clock() < until) {
    OneAnswer one(*loop_, {what.render(seed_, 0), what.method(), 0}, any, check_);
    one.run(*pool_);
    if (one.answered && !one.wrong.starts_with("answered 503")) {
      return true;
    }
    const Instant again = after(loop_->read_clock(), 20ms);
    while (loop_->read_clock() < again) {
      loop_->run_once(again);
    }
  }
  return false;
}

std::optional<std::string> Session::run_setup() {
  std::uint64_t sequence = 0;
  for (const SetupRequest& setup : scenario_.setup) {
    RequestTemplate what(setup.request, target_.authority, {}, values_);
    for (std::uint32_t i = 0; i < setup.repeat; ++i) {
      const Got got = ask(what, setup.request, sequence++);
      if (!got.wrong.empty()) {
        return "setup: " + setup.request.method + " " + setup.request.path + " " + got.wrong;
      }
      for (const auto& [name, path] : setup.capture) {
        std::optional<std::string> value = check_.field(got.body, path);
        if (!value) {
          return "setup: " + setup.request.method + " " + setup.request.path +
                 ": the answer has no JSON field \"" + path + "\" to capture";
        }
        values_.capture(name, std::move(*value));
      }
    }
  }
  begin_phase(sequence);
  return std::nullopt;
}

std::optional<std::string> Session::prepare_target() {
  if (const std::optional<std::string> wrong = run_setup()) {
    return "target " + target_.url + ": " + *wrong;
  }
  for (std::size_t i = 0; i < templates_.size(); ++i) {
    const ScenarioRequest& request = scenario_.requests[i];
    const Got got = ask(templates_[i], request, i);
    // A target that is late already is what the runs are there to tell.
    if (!got.wrong.empty() && !got.wrong.starts_with("answered 504")) {
      return "target " + target_.url + ": " + request.method + " " +
             templates_[i].render_path(seed_, i) + " " + got.wrong;
    }
  }
  begin_phase(templates_.size());
  return std::nullopt;
}

// ---- runs ---------------------------------------------------------------------------------------

// What counts up must not repeat, and what is drawn should not either.
void Session::begin_phase(std::uint64_t requests) {
  sequences_ += static_cast<std::int64_t>(requests);
  values_.shift_sequences(sequences_);
  seed_ = Random(seed_).next();
}

OpenLoopEnd Session::run_arrivals(const std::vector<double>& rates, Duration duration,
                                  SampleSink& sink, const std::string& label, std::uint64_t seed) {
  const std::vector<Arrival> arrivals = plan_arrivals(rates, duration, options_.arrivals, seed);
  ProgressLine line(label);
  OpenLoopConfig config;
  config.outstanding_max = options_.outstanding;
  config.progress_every = line.interval();
  config.on_progress = [&line](const Progress& progress) { line.show(progress); };
  OpenLoop loop(*loop_, *pool_, *this, sink, config);
  const OpenLoopEnd end = loop.run(arrivals, duration);
  line.finish();
  begin_phase(arrivals.size());
  if (end.outstanding_hit || end.gave_up) {
    drop_connections();  // with what is in flight on them
  }
  return end;
}

void Session::run(double multiple, Duration duration, std::uint32_t number, Recorder& recorder,
                  const std::string& label, std::vector<std::string>& invalid,
                  std::uint64_t& outstanding_peak) {
  std::vector<double> rates;
  for (const ScenarioRequest& request : scenario_.requests) {
    rates.push_back(request.rate * multiple);
  }
  pool_->open_ahead(kAheadConnections);
  if (options_.warm_up > kNoSender) {
    Nobody nobody;
    const OpenLoopEnd warm =
        run_arrivals(rates, options_.warm_up, nobody, label + " warm-up", seed_ + 1);
    if (warm.gave_up) {
      invalid.push_back("the target stopped answering while it was warmed up");
      return;
    }
    if (warm.outstanding_hit) {
      invalid.push_back("the cap of " + std::to_string(options_.outstanding) +
                        " outstanding requests was hit while warming up");
      return;
    }
  }
  recorder.begin_run(number);
  const OpenLoopEnd end = run_arrivals(rates, duration, recorder, label, seed_ + 2);
  recorder.end_run();
  outstanding_peak = std::max<std::uint64_t>(outstanding_peak, end.outstanding_peak);
  if (end.outstanding_hit) {
    invalid.push_back("the cap of " + std::to_string(options_.outstanding) +
                      " outstanding requests was hit (raise --outstanding, or lower the rate)");
  }
  if (end.gave_up) {
    invalid.push_back("the target stopped answering");
  }
}

// What is in flight is nobody's any more: the next phase begins with new connections.
void Session::drop_connections() {
  block_on(*loop_, close_pool(*pool_));
  make_pool();
}

OpenLoopEnd Session::run_closed(std::size_t connections, Duration duration, SampleSink& sink) {
  pool_->open_ahead(connections);
  while (pool_->connecting() > 0) {
    loop_->run_once(after(loop_->read_clock(), 10ms));
  }
  ClosedLoop closed(*loop_, *pool_, *this, sink);
  const OpenLoopEnd end = closed.run(connections, duration);
  begin_phase(end.sent);
  return end;
}

}  // namespace sk::bench
