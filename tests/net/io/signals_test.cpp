#include "net/io/signals.h"

#include "tests/support/loop_test.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace sk {
namespace {

class SignalsTest : public test::LoopTest {
 protected:
  // Undone at the end: the other tests of this process expect the usual state.
  SignalsTest() {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    ::sigaction(SIGPIPE, nullptr, &pipe_before_);
    block_signals({SIGTERM, SIGHUP, SIGUSR1, SIGCHLD});
  }
  ~SignalsTest() override {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
  }

  sigset_t before_{};
  struct sigaction pipe_before_{};
};

TEST_F(SignalsTest, EachSignalIsDeliveredWithItsSender) {
  std::vector<std::pair<int, int>> seen;
  SignalSource source(*loop_, {SIGTERM, SIGHUP, SIGUSR1},
                      [&](int signal, int sender) { seen.emplace_back(signal, sender); });
  source.start();
  for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGTERM}) {
    seen.clear();
    ASSERT_EQ(::kill(::getpid(), signal), 0);
    ASSERT_TRUE(test::run_until(*loop_, [&] { return !seen.empty(); }));
    EXPECT_EQ(seen.front(), std::make_pair(signal, static_cast<int>(::getpid())));
  }
  run(source.stop());
}

TEST_F(SignalsTest, SignalSentBeforeTheStartIsNotLost) {
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  int seen = 0;
  SignalSource source(*loop_, {SIGHUP}, [&](int, int) { ++seen; });
  source.start();
  ASSERT_TRUE(test::run_until(*loop_, [&] { return seen == 1; }));
  run(source.stop());
}

TEST_F(SignalsTest, EndOfAChildIsSeenAndTheChildStartsWithDefaults) {
  int ended = 0;
  SignalSource source(*loop_, {SIGCHLD}, [&](int, int) { ++ended; });
  source.start();
  const pid_t child = ::fork();
  if (child == 0) {
    reset_signals_for_exec();
    sigset_t mask;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask);
    struct sigaction action{};
    ::sigaction(SIGPIPE, nullptr, &action);
    const bool usual = ::sigismember(&mask, SIGTERM) == 0 && action.sa_handler == SIG_DFL;
    ::_exit(usual ? 7 : 1);
  }
  ASSERT_TRUE(test::run_until(*loop_, [&] { return ended > 0; }));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  run(source.stop());
}

TEST_F(SignalsTest, WritingToAClosedPipeIsAnErrorNotASignal) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ::close(pipe[0]);
  EXPECT_LT(::write(pipe[1], "x", 1), 0);
  EXPECT_EQ(errno, EPIPE);
  ::close(pipe[1]);
}

}  // namespace
}  // namespace sk
