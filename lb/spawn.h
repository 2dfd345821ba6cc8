// Starts a program as a child process: descriptors, user, CPU, directory, signals.
#pragma once

#include "net/core/result.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sk::lb {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct SpawnPlan {
  std::string program;                   // a path; find_program() makes one of a name
  std::vector<std::string> arguments;    // the first is the name it is called by
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;                 // empty: ours
  std::optional<User> user;              // nothing: ours
  std::optional<std::uint32_t> cpu;
  int control_fd = -1;  // becomes descriptor 3; -1: none
  int stdout_fd = -1;
  int stderr_fd = -1;
};

// A process that was started and not waited for yet; none by default, and again afterwards.
struct Child {
  pid_t pid = -1;
  int pidfd = -1;  // readable when it has ended; the caller's

  // Sends it a signal; false if there is no such process any more. By its descriptor, because a pid
  // may be another's by now, and kill(-1) reaches every process of the machine.
  bool signal(int number) const;
};

// The child leads a process group of its own, reads /dev/null, has no other descriptors of ours,
// and is killed when the calling thread ends. Returns when the program runs; on failure `why` says
// which step failed and what to do.
Result<Child> spawn(const SpawnPlan& plan, std::string& why);

// Looks a name without slash up in PATH, as execvp does. Nothing where there is none that can run,
// nor at an absolute path.
std::optional<std::string> find_program(const std::string& name);

std::optional<User> find_user(const std::string& name);

// Could this user reach and read the path, by its mode bits? Asks a child that becomes the user.
bool user_can_reach(const User& user, const std::string& path, int access_mode);

}  // namespace sk::lb
