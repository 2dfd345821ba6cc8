#include "net/io/loop.h"

#include "net/io/epoll_loop.h"
#include "net/io/uring_loop.h"

#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

namespace sk {
namespace {

Instant monotonic_now() { return std::chrono::steady_clock::now(); }

// SplitMix64: spreads one seed over the state of the generator below.
std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

OwnedFd open_wake_fd() {
  OwnedFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (fd.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return fd;
}

OwnedFd open_timer_fd() {
  OwnedFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (fd.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "timerfd_create");
  }
  return fd;
}

// Empties an eventfd or a timerfd.
void reset(int fd) {
  std::uint64_t ignored = 0;
  const ssize_t got = ::read(fd, &ignored, sizeof(ignored));
  static_cast<void>(got);
}

}  // namespace

std::string_view to_string(IoBackend backend) {
  return backend == IoBackend::uring ? "io_uring" : "epoll";
}

Result<IoChoice> parse_io_choice(std::string_view text) {
  if (text == "auto") {
    return IoChoice::automatic;
  }
  if (text == "uring") {
    return IoChoice::uring;
  }
  if (text == "epoll") {
    return IoChoice::epoll;
  }
  return fail(ErrorCode::malformed, "io: expected auto, uring or epoll", ErrorOrigin::config);
}

std::unique_ptr<Loop> Loop::create(IoBackend backend, const LoopConfig& config) {
  Loop::Alarms alarms{.wake = open_wake_fd(), .timer = open_timer_fd()};
  if (backend == IoBackend::uring) {
    return std::make_unique<UringLoop>(config, std::move(alarms));
  }
  return std::make_unique<EpollLoop>(config, std::move(alarms));
}

Loop::Loop(const LoopConfig& config, Alarms alarms)
    : alarms_(std::move(alarms)),
      now_(monotonic_now()),
      timers_(now_),
      buffers_(config.buffers),
      ready_budget_(config.ready_budget) {
  std::uint64_t seed = config.random_seed;
  while (seed == 0) {
    if (::getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
  for (std::uint64_t& word : random_state_) {
    word = split_mix(seed);
  }
  buffers_.on_refill([](void* self) { static_cast<Loop*>(self)->starved_may_go_ = true; }, this);
}

Instant Loop::read_clock() { return monotonic_now(); }

std::int64_t Loop::wall_clock_ms() const {
  // The wall clock is read through the monotonic one, so that a turn has one time only; the
  // difference of the two changes slowly and is asked for anew each time.
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &wall);
  return static_cast<std::int64_t>(wall.tv_sec) * 1000 + wall.tv_nsec / 1'000'000;
}

// xoshiro256** (Blackman and Vigna, 2018).
std::uint64_t Loop::random() {
  auto& s = random_state_;
  const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::uint64_t Loop::random_below(std::uint64_t bound) {
  SK_DEBUG_ASSERT(bound > 0);
  // Multiply-shift (Lemire, 2019); its bias of bound / 2^64 does not matter here.
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(random()) * bound) >> 64);
}

void Loop::post(std::move_only_function<void()> message) {
  {
    const std::lock_guard lock(mailbox_lock_);
    mailbox_.push_back(std::move(message));
  }
  mail_waiting_.store(true);
  if (sleeping_.load()) {
    const std::uint64_t one = 1;
    const ssize_t written = ::write(alarms_.wake.get(), &one, sizeof(one));
    static_cast<void>(written);  // a full counter wakes the loop just as well
  }
}

void Loop::stop() {
  stop_.store(true);
  const std::uint64_t one = 1;
  const ssize_t written = ::write(alarms_.wake.get(), &one, sizeof(one));
  static_cast<void>(written);
}

void Loop::wake_seen() { reset(alarms_.wake.get()); }

void Loop::timer_seen() {
  reset(alarms_.timer.get());
  alarm_at_ = kNever;
}

bool Loop::set_alarm(Instant at) {
  if (at <= now_) {
    return false;
  }
  if (at < alarm_at_) {
    const auto since_boot = at.time_since_epoch().count();
    const itimerspec when{
        .it_interval = {},
        .it_value = {.tv_sec = since_boot / 1'000'000'000, .tv_nsec = since_boot % 1'000'000'000}};
    if (::timerfd_settime(alarms_.timer.get(), TFD_TIMER_ABSTIME, &when, nullptr) < 0) {
      return false;  // rather turn for nothing than oversleep
    }
    alarm_at_ = at;
  }
  return true;
}

void Loop::take_messages() {
  if (!mail_waiting_.load(std::memory_order_relaxed)) {
    return;
  }
  mail_waiting_.store(false);
  {
    const std::lock_guard lock(mailbox_lock_);
    taken_.swap(mailbox_);
  }
  for (auto& message : taken_) {
    message();
  }
  taken_.clear();
}

void Loop::park_starved(Operation& op) {
  ++counters_.starved;
  starved_.push_back(op);
}

void Loop::wake_starved() {
  starved_may_go_ = false;
  IntrusiveList<Operation, StarvedTag> again;
  again.splice_back(starved_);
  while (!again.empty()) {
    submit(again.pop_front());
  }
}

void Loop::run_ready(std::size_t& budget) {
  for (; budget > 0 && !ready_.empty(); --budget) {
    ready_.pop_front().run();
  }
}

void Loop::run() {
  while (!stop_.load(std::memory_order_relaxed)) {
    run_once(kNever);
  }
  stop_.store(false);
}

void Loop::run_once(Instant until) {
  ++counters_.turns;
  take_messages();
  timers_.advance(now_);
  std::size_t budget = ready_budget_;
  run_ready(budget);
  if (starved_may_go_) {
    wake_starved();
  }
  // Nodes that queue themselves again here run at the end of the next turn.
  ReadyList ending;
  ending.splice_back(turn_end_);
  while (!ending.empty()) {
    ending.pop_front().run();
  }
  // What completed at once at the end, as the epoll driver's sends do, needs no kernel to go on.
  run_ready(budget);

  const bool idle = ready_.empty() && turn_end_.empty() && !starved_may_go_;
  bool wait = false;
  if (idle && !stop_.load(std::memory_order_relaxed)) {
    sleeping_.store(true);
    wait = !mail_waiting_.load() && set_alarm(std::min(until, timers_.next()));
  }
  poll_kernel(wait);
  sleeping_.store(false, std::memory_order_relaxed);
  now_ = monotonic_now();
}

}  // namespace sk
