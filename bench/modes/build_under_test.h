// BuildUnderTest: a balancer of one build, started for one run and ended after it.
#pragma once

#include "net/core/result.h"

#include <sys/types.h>

#include <string>

namespace sk::bench {

class BuildUnderTest {
 public:
  // folder: has bin/sidekick-lb. Its bin/ comes first in PATH, so that workers written as
  // command = ["sidekick-app"] are of the same build. What it prints goes to log.
  [[nodiscard]] static Result<BuildUnderTest> start(const std::string& folder,
                                                    const std::string& config,
                                                    const std::string& log);
  BuildUnderTest(BuildUnderTest&& other) noexcept;
  BuildUnderTest& operator=(BuildUnderTest&&) = delete;
  // SIGTERM, then SIGKILL if it is not gone within kStopPatience.
  ~BuildUnderTest();

  // False if it has ended by itself.
  [[nodiscard]] bool running();

 private:
  explicit BuildUnderTest(pid_t pid) : pid_(pid) {}

  pid_t pid_;
};

}  // namespace sk::bench
