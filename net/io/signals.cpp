#include "net/io/signals.h"

#include "net/core/assert.h"
#include "net/io/loop.h"
#include "net/io/operation.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sk {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) {
    ::sigaddset(&set, signal);
  }
  return set;
}

int open_signal_fd(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  return fd;
}

}  // namespace

void block_signals(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  SK_ASSERT(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  SK_ASSERT(::sigaction(SIGPIPE, &ignore, nullptr) == 0);
}

void reset_signals_for_exec() noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    static_cast<void>(::sigaction(signal, &standard, nullptr));  // refused for SIGKILL and SIGSTOP
  }
  sigset_t none;
  ::sigemptyset(&none);
  static_cast<void>(::sigprocmask(SIG_SETMASK, &none, nullptr));
}

SignalSource::SignalSource(Loop& loop, std::initializer_list<int> signals, OnSignal on_signal)
    : loop_(loop),
      on_signal_(std::move(on_signal)),
      fd_(open_signal_fd(signals)),
      scope_(loop),
      watcher_(loop) {}

SignalSource::~SignalSource() { SK_ASSERT(fd_ < 0); }

void SignalSource::start() { watcher_.spawn(watch()); }

Task<void> SignalSource::watch() {
  while (true) {
    // A poll and a read: the descriptor is no socket, and signals are rare.
    const Result<short> ready = co_await Poll(scope_, fd_, POLLIN);
    if (!ready) {
      co_return;
    }
    read_all();
  }
}

void SignalSource::read_all() {
  std::array<signalfd_siginfo, 8> infos;
  while (!scope_.cancelled()) {
    const ssize_t bytes = ::read(fd_, infos.data(), sizeof(infos));
    if (bytes <= 0) {
      return;
    }
    const auto count = static_cast<std::size_t>(bytes) / sizeof(signalfd_siginfo);
    for (std::size_t i = 0; i < count; ++i) {
      on_signal_(static_cast<int>(infos[i].ssi_signo), static_cast<int>(infos[i].ssi_pid));
    }
  }
}

Task<void> SignalSource::stop() {
  if (fd_ < 0) {
    co_return;
  }
  scope_.cancel();
  co_await watcher_.join();
  loop_.close(std::exchange(fd_, -1));
}

}  // namespace sk
