#include "lb/spawn.h"

#include "net/core/owned_fd.h"
#include "net/io/signals.h"
#include "net/link/control.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sk::lb {
namespace {

// What the child could not do, over a pipe that exec() closes.
enum class Step : int { descriptors, user, directory, program };
struct Failure {
  Step step;
  int sys_errno;
};

[[noreturn]] void report(int pipe_fd, Step step) {
  const Failure failure{step, errno};
  [[maybe_unused]] const ssize_t written = ::write(pipe_fd, &failure, sizeof failure);
  ::_exit(127);
}

// Moves the descriptors to where the program expects them. First out of the way, above all targets,
// so that none overwrites another that is still needed.
bool arrange_descriptors(const SpawnPlan& plan, int null_fd) {
  constexpr int kAbove = 64;
  const int sources[] = {null_fd, plan.stdout_fd, plan.stderr_fd, plan.control_fd};
  int moved[4];
  for (int index = 0; index < 4; ++index) {
    moved[index] = sources[index] < 0 ? -1 : ::fcntl(sources[index], F_DUPFD_CLOEXEC, kAbove);
    if (sources[index] >= 0 && moved[index] < 0) {
      return false;
    }
  }
  for (int target = 0; target < 4; ++target) {
    if (moved[target] >= 0 && ::dup2(moved[target], target) < 0) {
      return false;
    }
  }
  static_assert(kControlFd == 3);
  const unsigned first = plan.control_fd >= 0 ? 4 : 3;
  return ::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

bool become(const User& user) {
  return ::setgroups(0, nullptr) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
}

// Between fork() and exec() in a program with threads: only async-signal-safe calls.
[[noreturn]] void run_child(const SpawnPlan& plan, char* const* argv, char* const* envp,
                            int null_fd, int report_fd, pid_t parent) {
  // Above the descriptors that are arranged below.
  const int pipe_fd = ::fcntl(report_fd, F_DUPFD_CLOEXEC, 128);
  reset_signals_for_exec();
  ::setpgid(0, 0);
  if (plan.cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*plan.cpu, &set);
    ::sched_setaffinity(0, sizeof set, &set);  // a core that is not there: anywhere
  }
  if (!arrange_descriptors(plan, null_fd)) {
    report(pipe_fd, Step::descriptors);
  }
  if (plan.user && !become(*plan.user)) {
    report(pipe_fd, Step::user);
  }
  if (!plan.directory.empty() && ::chdir(plan.directory.c_str()) != 0) {
    report(pipe_fd, Step::directory);
  }
  // After the change of user, which clears it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::getppid() != parent) {
    ::_exit(127);  // the balancer ended meanwhile
  }
  ::execve(plan.program.c_str(), argv, envp);
  report(pipe_fd, Step::program);
}

std::string explain(const SpawnPlan& plan, const Failure& failure) {
  const std::string meaning = std::string(strerrordesc_np(failure.sys_errno)) + " (" +
                              strerrorname_np(failure.sys_errno) + ")";
  const std::string who = plan.user ? " as user " + plan.user->name : std::string();
  switch (failure.step) {
    case Step::descriptors:
      return "its descriptors cannot be set up: " + meaning;
    case Step::user:
      return "cannot become user " + plan.user->name + ": " + meaning +
             "; start the balancer as root or leave workers.user out";
    case Step::directory:
      return "cannot enter " + plan.directory + who + ": " + meaning +
             "; correct workers.directory, its permissions or workers.user";
    case Step::program:
      break;
  }
  return "cannot run " + plan.program + who + ": " + meaning +
         "; correct workers.command, the file's permissions or workers.user";
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

bool Child::signal(int number) const {
  return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) == 0;
}

Result<Child> spawn(const SpawnPlan& plan, std::string& why) {
  const std::vector<char*> argv = pointers(plan.arguments);
  const std::vector<char*> envp = pointers(plan.environment);
  int report[2] = {-1, -1};
  const OwnedFd null_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null_fd.get() < 0 || ::pipe2(report, O_CLOEXEC) != 0) {
    const Error error = error_from_errno(errno, "descriptors for a worker");
    why = describe(error);
    return fail(error);
  }
  const OwnedFd report_in(report[0]);
  OwnedFd report_out(report[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    run_child(plan, argv.data(), envp.data(), null_fd.get(), report_out.get(), parent);
  }
  if (pid < 0) {
    const Error error = error_from_errno(errno, "fork");
    why = describe(error);
    return fail(error);
  }
  report_out.reset();  // so that reading ends when the program runs
  Failure failure{};
  ssize_t got = 0;
  do {
    got = ::read(report_in.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != 0) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    why = got == sizeof failure ? explain(plan, failure) : "it ended before it began";
    return fail(error_from_errno(failure.sys_errno, "worker", ErrorOrigin::config));
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const Error error = error_from_errno(errno, "pidfd_open");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    why = describe(error);
    return fail(error);
  }
  return Child{pid, pidfd};
}

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    // A relative one counts from the worker's directory: starting it will show whether it is there.
    const bool absent = name.front() == '/' && ::access(name.c_str(), X_OK) != 0;
    return absent ? std::nullopt : std::optional(name);
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return std::nullopt;
}

std::optional<User> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    return std::nullopt;
  }
  return User{name, entry->pw_uid, entry->pw_gid};
}

bool user_can_reach(const User& user, const std::string& path, int access_mode) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(become(user) && ::access(path.c_str(), access_mode) == 0 ? 0 : 1);
  }
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace sk::lb
