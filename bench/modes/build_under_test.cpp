#include "bench/modes/build_under_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace sk::bench {
namespace {

constexpr int kStopPatienceMs = 35'000;  // a little more than the default stop_timeout
constexpr int kCannotExec = 127;

}  // namespace

Result<BuildUnderTest> BuildUnderTest::start(const std::string& folder, const std::string& config,
                                             const std::string& log) {
  const std::string program = folder + "/bin/sidekick-lb";
  if (::access(program.c_str(), X_OK) != 0) {
    return fail(error_from_errno(errno, "bin/sidekick-lb", ErrorOrigin::config));
  }
  const char* path = std::getenv("PATH");
  const std::string path_line = folder + "/bin:" + (path != nullptr ? path : "/usr/bin:/bin");
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) {
    return fail(error_from_errno(errno, "the log of the build", ErrorOrigin::config));
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // it must not outlive us
    if (::getpriority(PRIO_PROCESS, 0) < 0) {
      ::setpriority(PRIO_PROCESS, 0, 0);  // ours is the generator's, see main.cpp
    }
    ::setenv("PATH", path_line.c_str(), 1);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execl(program.c_str(), "sidekick-lb", "--config", config.c_str(), nullptr);
    ::_exit(kCannotExec);
  }
  const int error = errno;
  ::close(out);
  if (pid < 0) {
    return fail(error_from_errno(error, "fork", ErrorOrigin::internal));
  }
  return BuildUnderTest(pid);
}

BuildUnderTest::BuildUnderTest(BuildUnderTest&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)) {}

bool BuildUnderTest::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
    pid_ = 0;
  }
  return pid_ > 0;
}

BuildUnderTest::~BuildUnderTest() {
  if (!running()) {
    return;
  }
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  ::kill(pid_, SIGTERM);
  pollfd ended{handle, POLLIN, 0};
  if (handle < 0 || ::poll(&ended, 1, kStopPatienceMs) != 1) {
    ::kill(pid_, SIGKILL);
  }
  ::waitpid(pid_, nullptr, 0);
  if (handle >= 0) {
    ::close(handle);
  }
}

}  // namespace sk::bench
