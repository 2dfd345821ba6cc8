#include "lb/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace sk::lb {
namespace {

Child start_sleeper() {
  SpawnPlan plan;
  plan.program = find_program("sleep").value();
  plan.arguments = {"sleep", "60"};
  plan.stdout_fd = STDOUT_FILENO;
  plan.stderr_fd = STDERR_FILENO;
  std::string why;
  const Result<Child> child = spawn(plan, why);
  EXPECT_TRUE(child.has_value()) << why;
  return child.value_or(Child{});
}

TEST(Spawn, ASignalReachesTheChild) {
  const Child child = start_sleeper();
  ASSERT_GT(child.pid, 0);
  EXPECT_TRUE(child.signal(SIGTERM));
  int status = 0;
  ASSERT_EQ(::waitpid(child.pid, &status, 0), child.pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  ::close(child.pidfd);
}

TEST(Spawn, ASignalToAChildThatWasWaitedForReachesNobody) {
  const Child child = start_sleeper();
  ASSERT_GT(child.pid, 0);
  EXPECT_TRUE(child.signal(SIGKILL));
  ASSERT_EQ(::waitpid(child.pid, nullptr, 0), child.pid);
  EXPECT_FALSE(child.signal(0));
  ::close(child.pidfd);
}

// kill(-1, 0) would succeed: it asks whether there is any process at all, and with another signal
// it would end them all.
TEST(Spawn, ASignalToNoChildReachesNobody) { EXPECT_FALSE(Child{}.signal(0)); }

}  // namespace
}  // namespace sk::lb
