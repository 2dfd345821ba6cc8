#include "net/core/log_writer.h"

#include "net/core/assert.h"
#include "net/core/log_line.h"
#include "net/core/owned_fd.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>

namespace sk {
namespace {

constexpr int kLookEveryMs = 100;

// False when the descriptor is broken. Blocks as long as it blocks.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {  // someone made our output non-blocking
      pollfd wait{fd, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (count < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

LogIdentity this_process(std::string_view name) {
  char hostname[256] = {};
  if (gethostname(hostname, sizeof hostname - 1) != 0) {
    hostname[0] = '\0';
  }
  return {static_cast<int>(getpid()), hostname, std::string(name)};
}

struct LogWriter::Shared {
  Shared(int output, LogIdentity who, std::size_t bytes)
      : fd(output), ring_bytes(bytes), identity(std::move(who)), wake_fd(eventfd(0, EFD_CLOEXEC)) {
    SK_ASSERT(wake_fd.get() >= 0);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  // Set once.
  const int fd;
  const std::size_t ring_bytes;
  const LogIdentity identity;
  const OwnedFd wake_fd;

  std::mutex mutex;  // guards the list and `ended`; a ring itself needs none
  std::vector<std::unique_ptr<LogRing>> rings;
  bool ended = false;
  std::condition_variable ended_changed;

  std::vector<LogRing*> draining;  // the thread's own; kept, so that looking costs no allocation

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> reported_dropped{0};

  std::uint64_t dropped() {
    const std::lock_guard lock(mutex);
    std::uint64_t sum = 0;
    for (const auto& ring : rings) {
      sum += ring->dropped();
    }
    return sum;
  }

  void drain() {
    draining.clear();
    {
      const std::lock_guard lock(mutex);
      for (const auto& ring : rings) {
        draining.push_back(ring.get());
      }
    }
    for (LogRing* ring : draining) {
      const std::string_view lines = ring->readable();
      if (lines.empty()) {
        continue;
      }
      if (!write_all(fd, lines)) {
        ring->count_lost(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')));
      }
      ring->release(lines.size());
    }
    report_dropped();
  }

  void report_dropped() {
    const std::uint64_t total = dropped();
    const std::uint64_t before = reported_dropped.exchange(total);
    if (total == before) {
      return;
    }
    char room[1024];
    LogLine line(room);
    line.begin(LogLevel::warn, unix_ms_now(), identity);
    line.number("dropped", total - before).number("droppedTotal", total);
    const std::size_t size = line.end("log lines dropped: the reader of our output is too slow");
    write_all(fd, {room, size});
  }

  void run() {
    while (!stopping.load(std::memory_order_acquire)) {
      pollfd wait{wake_fd.get(), POLLIN, 0};
      if (::poll(&wait, 1, kLookEveryMs) > 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake_fd.get(), &count, sizeof count);
      }
      drain();
    }
    drain();
    const std::lock_guard lock(mutex);
    ended = true;
    ended_changed.notify_all();
  }
};

LogWriter::LogWriter(int fd, LogIdentity identity, std::size_t ring_bytes)
    : shared_(std::make_shared<Shared>(fd, std::move(identity), ring_bytes)) {}

LogWriter::~LogWriter() { stop(std::chrono::seconds(1)); }

LogRing& LogWriter::add_ring() {
  auto ring = std::make_unique<LogRing>(shared_->ring_bytes);
  const std::lock_guard lock(shared_->mutex);
  return *shared_->rings.emplace_back(std::move(ring));
}

void LogWriter::start() {
  SK_ASSERT(!thread_.joinable());
  // Signals are for the control thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([shared = shared_] { shared->run(); });
  pthread_setname_np(thread_.native_handle(), "log");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LogWriter::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(shared_->wake_fd.get(), &one, sizeof one);
}

bool LogWriter::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) {
    return true;
  }
  shared_->stopping.store(true, std::memory_order_release);
  wake();
  std::unique_lock lock(shared_->mutex);
  const bool ended =
      shared_->ended_changed.wait_for(lock, patience, [this] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return ended;
}

std::uint64_t LogWriter::dropped() const { return shared_->dropped(); }

const LogIdentity& LogWriter::identity() const { return shared_->identity; }

}  // namespace sk
