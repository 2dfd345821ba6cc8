#include "bench/load/generator.h"

#include "bench/load/cpu_clock.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace sk::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000U;
constexpr std::uint64_t kSweepEvery = kSecond / 10;
constexpr double kSecondsMax = 3600.0;  // of a run that ends by its number of requests

std::uint64_t to_ns(double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); }

}  // namespace

std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

LoadGenerator::LoadGenerator(const LoadOptions& options, const Target& target)
    : options_(options), random_(options.seed), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  for (unsigned i = 0; i < options.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(target, tally_));
  }
  free_.reserve(connections_.size());
}

LoadGenerator::~LoadGenerator() {
  connections_.clear();
  if (epoll_fd_ >= 0) {
    ::close(epoll_fd_);
  }
}

std::uint64_t LoadGenerator::next_gap_ns() {
  const double mean = 1e9 / options_.rate;
  if (!options_.poisson) {
    return static_cast<std::uint64_t>(mean);
  }
  return static_cast<std::uint64_t>(std::exponential_distribution<double>(1.0 / mean)(random_));
}

// One wait and everything that became ready. Never waits beyond `wake_ns`.
void LoadGenerator::turn(std::uint64_t wake_ns) {
  std::array<epoll_event, 256> events;
  const std::uint64_t before = now_ns();
  const std::uint64_t wait = wake_ns > before ? std::min(wake_ns - before, kSweepEvery) : 0;
  const timespec timeout{static_cast<time_t>(wait / kSecond), static_cast<long>(wait % kSecond)};
  const int ready =
      epoll_pwait2(epoll_fd_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
    const Connection::State was = connection.state();
    const bool good = connection.on_ready(events[static_cast<std::size_t>(i)].events);
    const std::uint64_t now = now_ns();
    if (good) {
      tally_.good_total += 1;
      if (in_window(options_.rate > 0 ? connection.since_ns() : now)) {
        tally_.latency.record(now - connection.since_ns());
      }
    }
    if (connection.state() == Connection::State::kClosed) {
      reopen(connection);
    } else if (connection.idle() && was != Connection::State::kIdle) {
      use(connection, now);
    }
  }
  const std::uint64_t after = now_ns();
  if (options_.rate > 0) {
    release_due(after);
  }
  if (after - swept_ns_ >= kSweepEvery) {
    sweep(after);
  }
}

// A connection that has just become idle takes the next request, if there is one for it.
void LoadGenerator::use(Connection& connection, std::uint64_t now) {
  if (options_.rate > 0) {
    if (backlog_.empty()) {
      free_.push_back(&connection);
      return;
    }
    const std::uint64_t since = backlog_.front();
    backlog_.pop_front();
    connection.ask(since, now);
  } else if (asking_ && !enough()) {
    connection.ask(now, now);
  }
  if (connection.state() == Connection::State::kClosed) {
    reopen(connection);
  }
}

// Open loop: hands every request that is due by now to a free connection or to the backlog.
void LoadGenerator::release_due(std::uint64_t now) {
  while (asking_ && due_ns_ <= now && !enough()) {
    while (!free_.empty() && !free_.back()->idle()) {
      free_.pop_back();
    }
    if (!free_.empty()) {
      Connection* connection = free_.back();
      free_.pop_back();
      connection->ask(due_ns_, now);
      if (connection->state() == Connection::State::kClosed) {
        reopen(*connection);
      }
    } else if (backlog_.size() < kBacklogMax) {
      backlog_.push_back(due_ns_);
      tally_.backlog_max = std::max<std::uint64_t>(tally_.backlog_max, backlog_.size());
    } else {
      tally_.errors.dropped += 1;
    }
    due_ns_ += next_gap_ns();
  }
}

void LoadGenerator::reopen(Connection& connection) {
  if (!asking_ || hopeless()) {
    return;
  }
  tally_.reconnects += 1;
  connection.open(epoll_fd_);
}

// Gives up what is overdue, and tries again what could not be opened.
void LoadGenerator::sweep(std::uint64_t now) {
  swept_ns_ = now;
  const std::uint64_t timeout = to_ns(options_.timeout_seconds);
  for (auto& connection : connections_) {
    if (connection->state() == Connection::State::kWaiting &&
        now - connection->asked_ns() > timeout) {
      tally_.errors.timeout += 1;
      connection->close();
    }
    if (connection->state() == Connection::State::kClosed) {
      reopen(*connection);
    }
  }
}

bool LoadGenerator::connect_all() {
  const std::uint64_t start = now_ns();
  swept_ns_ = start + to_ns(options_.timeout_seconds);  // no sweep: nothing is opened again here
  for (auto& connection : connections_) {
    if (!connection->open(epoll_fd_)) {
      break;
    }
  }
  const auto open = [](const std::unique_ptr<Connection>& c) { return c->idle(); };
  while (!std::ranges::all_of(connections_, open)) {
    if (tally_.errors.total() != 0 || now_ns() - start > to_ns(options_.timeout_seconds)) {
      const auto opened = std::ranges::count_if(connections_, open);
      std::fprintf(stderr, "load: only %ld of %zu connections to %s could be opened\n",
                   static_cast<long>(opened), connections_.size(), options_.target.c_str());
      return false;
    }
    turn(now_ns() + kSweepEvery);
  }
  swept_ns_ = now_ns();
  return true;
}

bool LoadGenerator::traffic(std::uint64_t until) {
  while (!enough()) {
    const std::uint64_t now = now_ns();
    if (now >= until) {
      return true;
    }
    if (hopeless()) {
      std::fprintf(stderr, "load: %s closes every connection\n", options_.target.c_str());
      return false;
    }
    turn(options_.rate > 0 ? std::min(until, due_ns_) : until);
  }
  return true;
}

// Lets what was asked or due finish, for a bounded time.
void LoadGenerator::drain() {
  asking_ = false;
  const std::uint64_t until = now_ns() + to_ns(options_.timeout_seconds);
  const auto waiting = [](const std::unique_ptr<Connection>& c) {
    return c->state() == Connection::State::kWaiting;
  };
  while ((std::ranges::any_of(connections_, waiting) || !backlog_.empty()) && now_ns() < until) {
    turn(until);
  }
  tally_.errors.unanswered +=
      backlog_.size() + static_cast<std::uint64_t>(std::ranges::count_if(connections_, waiting));
}

bool LoadGenerator::run(RunResult& result) {
  if (epoll_fd_ < 0 || !connect_all()) {
    return false;
  }
  asking_ = true;
  due_ns_ = now_ns();
  if (options_.rate <= 0) {
    for (auto& connection : connections_) {
      use(*connection, now_ns());
    }
  }
  if (options_.requests == 0 && !traffic(now_ns() + to_ns(options_.warmup_seconds))) {
    return false;
  }
  std::map<std::string, std::uint64_t> before;
  std::map<std::string, std::uint64_t> after;
  if (!read_cpu(options_.watched, before)) {
    return false;
  }
  const std::uint64_t start = now_ns();
  const std::uint64_t planned = to_ns(options_.requests == 0 ? options_.seconds : kSecondsMax);
  window_start_ns_ = start;
  window_end_ns_ = start + planned;
  const bool done = traffic(window_end_ns_);
  const std::uint64_t end = now_ns();
  window_end_ns_ = std::min(window_end_ns_, end);
  if (!done || !read_cpu(options_.watched, after)) {
    return false;
  }
  drain();
  result.seconds = static_cast<double>(end - start) / 1e9;
  for (const auto& [name, nanoseconds] : after) {
    result.cpu_ns[name] = nanoseconds - before[name];
  }
  return true;
}

}  // namespace sk::bench
