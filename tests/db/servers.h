// Real servers for the tests of db/: one PostgreSQL and one Redis per test process, started when
// they are first asked for by tests/db/servers.py, which ends with this process.
#pragma once

#include "net/core/assert.h"

#include "tests/support/source_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace sk::test {

class Servers {
 public:
  static Servers& get() {
    static Servers servers;
    return servers;
  }

  // One command of servers.py; a failure is the test's.
  std::string call(std::initializer_list<std::string> words) {
    std::string line;
    for (const std::string& word : words) {
      line += (line.empty() ? "" : "\t") + word;
    }
    std::fputs((line + "\n").c_str(), to_);
    std::fflush(to_);
    char* answer = nullptr;
    std::size_t room = 0;
    const ssize_t size = ::getline(&answer, &room, from_);
    std::string text(answer == nullptr || size < 0 ? "" : answer);
    std::free(answer);
    if (!text.starts_with("ok ")) {
      ADD_FAILURE() << line << ": " << text;
      return {};
    }
    text.pop_back();
    return text.substr(3);
  }

 private:
  Servers() {
    int in[2];
    int out[2];
    SK_ASSERT(::pipe2(in, O_CLOEXEC) == 0);
    SK_ASSERT(::pipe2(out, O_CLOEXEC) == 0);
    const std::string script = source_path("tests/db/servers.py");
    child_ = ::fork();
    SK_ASSERT(child_ >= 0);
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execlp("python3", "python3", script.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
  }
  ~Servers() {
    std::fclose(to_);
    ::waitpid(child_, nullptr, 0);
    std::fclose(from_);
  }

  pid_t child_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace sk::test
