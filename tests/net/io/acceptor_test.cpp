// Acceptors on real listeners: hand-over, pausing, running out of descriptors, the last sweep.
#include "net/io/acceptor.h"
#include "net/io/connection_balance.h"
#include "net/io/listener.h"
#include "net/io/task_group.h"

#include "tests/support/loop_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AcceptorTest : public test::LoopTest {
 protected:
  AcceptorTest() : listener_(open()) {}
  ~AcceptorTest() override {
    for (const int fd : clients_) {
      ::close(fd);
    }
    for (const int fd : served_) {
      loop_->close(fd);
    }
  }

  static Listener open() {
    Result<Listener> listener = Listener::open(*Address::parse("127.0.0.1:0"));
    SK_ASSERT(listener.has_value());
    return std::move(*listener);
  }

  int connect_client() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SK_ASSERT(fd >= 0);
    SK_ASSERT(::connect(fd, listener_.local().get(), listener_.local().size()) == 0);
    clients_.push_back(fd);
    return fd;
  }

  bool run_until_served(std::size_t count) {
    return test::run_until(*loop_, [&] { return served_.size() >= count; });
  }

  // Enough turns for anything that is going to happen without more input.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) {
      loop_->run_once(loop_->read_clock() + milliseconds(1));
    }
  }

  Listener listener_;
  std::vector<int> clients_;
  std::vector<int> served_;
};

TEST_F(AcceptorTest, DeliversEveryConnectionNonBlockingAndCloexec) {
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); });
  acceptor.start();
  for (int i = 0; i < 100; ++i) {
    connect_client();
  }
  ASSERT_TRUE(run_until_served(100));
  for (const int fd : served_) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  connect_client();
  ASSERT_TRUE(run_until_served(101));
  EXPECT_EQ(acceptor.counters().accepted, 101U);
  run(acceptor.stop());
}

TEST_F(AcceptorTest, PausedLeavesConnectionsInTheBacklog) {
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); });
  acceptor.start();
  connect_client();
  ASSERT_TRUE(run_until_served(1));
  acceptor.pause();
  settle();
  connect_client();
  connect_client();
  settle();
  EXPECT_EQ(served_.size(), 1U);
  acceptor.resume();
  ASSERT_TRUE(run_until_served(3));
  run(acceptor.stop());
}

TEST_F(AcceptorTest, PausingInsideTheCallbackDeliversNothingMore) {
  std::unique_ptr<Acceptor> acceptor;
  acceptor = std::make_unique<Acceptor>(*loop_, listener_.fd(), [&](int fd) {
    served_.push_back(fd);
    acceptor->pause();
  });
  for (int i = 0; i < 10; ++i) {
    connect_client();
  }
  acceptor->start();
  for (std::size_t expected = 1; expected <= 10; ++expected) {
    ASSERT_TRUE(run_until_served(expected));
    settle();
    EXPECT_EQ(served_.size(), expected);
    EXPECT_TRUE(acceptor->paused());
    acceptor->resume();
  }
  run(acceptor->stop());
}

TEST_F(AcceptorTest, PauseAndResumeInAnyOrderKeepAccepting) {
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); });
  acceptor.start();
  for (unsigned round = 0; round < 64; ++round) {
    // Every pattern of six steps: pause, resume and turns of the loop in between.
    for (unsigned step = 0; step < 6; ++step) {
      if ((round >> step & 1U) != 0) {
        acceptor.pause();
      } else {
        acceptor.resume();
      }
      if ((round * 7 + step) % 3 == 0) {
        loop_->run_once(loop_->now());
      }
    }
    acceptor.resume();
    connect_client();
    ASSERT_TRUE(run_until_served(round + 1)) << "round " << round;
  }
  run(acceptor.stop());
}

TEST_F(AcceptorTest, StopSweepsTheBacklogAndThenTheListenerMayClose) {
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); });
  acceptor.start();
  settle();
  for (int i = 0; i < 30; ++i) {
    connect_client();
  }
  run(acceptor.stop());
  EXPECT_EQ(served_.size(), 30U);
  run(acceptor.stop());
  listener_.close();
  // None of them was reset.
  for (const int fd : clients_) {
    char byte = 0;
    EXPECT_EQ(::recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
  }
  settle();
  EXPECT_EQ(served_.size(), 30U);
}

TEST_F(AcceptorTest, StopWithoutStartSweepsToo) {
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); });
  connect_client();
  run(acceptor.stop());
  EXPECT_EQ(served_.size(), 1U);
  acceptor.resume();
  connect_client();
  settle();
  EXPECT_EQ(served_.size(), 1U);
}

// Without descriptors the clients get an end of stream instead of silence, and accepting goes on by
// itself when descriptors are back.
TEST_F(AcceptorTest, RunningOutOfDescriptorsTurnsClientsAwayAndRecovers) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int highest = ::dup(0);
  ::close(highest);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(highest) + 64;
  // Before accepting begins: io_uring remembers the limit of that moment.
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);

  AcceptorConfig config;
  config.retry_delay = milliseconds(5);
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { served_.push_back(fd); }, config);
  acceptor.start();
  connect_client();
  ASSERT_TRUE(run_until_served(1));

  const int unlucky = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> hogs;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
    hogs.push_back(fd);
  }
  ASSERT_EQ(::connect(unlucky, listener_.local().get(), listener_.local().size()), 0);
  EXPECT_TRUE(test::run_until(*loop_, [&] { return acceptor.counters().turned_away == 1; }));
  EXPECT_EQ(served_.size(), 1U);
  const timeval patience{5, 0};
  ::setsockopt(unlucky, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  char byte = 0;
  EXPECT_EQ(::recv(unlucky, &byte, 1, 0), 0);
  ::close(unlucky);

  for (const int fd : hogs) {
    ::close(fd);
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  connect_client();
  EXPECT_TRUE(run_until_served(2));
  run(acceptor.stop());
}

// A paused loop that sleeps with the listener must not swallow the wake-up of one that accepts.
TEST_F(AcceptorTest, PausedLoopLeavesConnectionsToTheOthers) {
  const std::unique_ptr<Loop> other = Loop::create(loop_->backend(), config());
  Acceptor paused(*loop_, listener_.fd(), [&](int fd) { ::close(fd); });
  paused.start();
  settle();
  paused.pause();
  settle();

  std::atomic<int> served{0};
  std::atomic<bool> started{false};
  std::thread sleeper([&] {  // accepts; it sleeps in the kernel when the clients come
    Acceptor acceptor(*other, listener_.fd(), [&](int fd) {
      ::close(fd);
      ++served;
    });
    acceptor.start();
    other->run_once(other->now());
    started = true;
    SK_ASSERT(test::run_until(*other, [&] { return served == 20; }));
    TaskGroup group(*other);
    group.spawn(acceptor.stop());
    SK_ASSERT(test::run_until(*other, [&] { return group.live() == 0; }));
  });
  std::atomic<bool> done{false};
  std::thread client([&] {
    while (!started) {
      std::this_thread::yield();
    }
    for (int i = 1; i <= 20; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      SK_ASSERT(::connect(fd, listener_.local().get(), listener_.local().size()) == 0);
      char byte = 0;
      SK_ASSERT(::recv(fd, &byte, 1, 0) == 0);  // closed by the one that accepted it
      ::close(fd);
    }
    done = true;
    loop_->post([] {});
  });
  EXPECT_TRUE(test::run_until(*loop_, [&] { return done.load(); }));
  client.join();
  sleeper.join();
  EXPECT_EQ(served, 20);
  run(paused.stop());
}

TEST_F(AcceptorTest, ConnectionsAreSpreadOverTheLoops) {
  constexpr std::size_t kConnections = 64;
  const std::unique_ptr<Loop> other = Loop::create(loop_->backend(), config());
  ConnectionBalance balance;
  std::atomic<std::size_t> adopted_by_other{0};
  std::size_t adopted_here = 0;
  const ConnectionBalance::Seat here = balance.join(*loop_, [&](int fd) {
    served_.push_back(fd);
    ++adopted_here;
  });
  const ConnectionBalance::Seat there = balance.join(*other, [&](int fd) {
    ::close(fd);
    ++adopted_by_other;
  });
  std::thread runner([&] { other->run(); });
  // Only this loop accepts.
  Acceptor acceptor(*loop_, listener_.fd(), [&](int fd) { balance.place(here, fd); });
  acceptor.start();
  for (std::size_t i = 0; i < kConnections; ++i) {
    connect_client();
  }
  EXPECT_TRUE(
      test::run_until(*loop_, [&] { return adopted_here + adopted_by_other == kConnections; }));
  EXPECT_LE(balance.connections(here), kConnections / 2 + 2);
  EXPECT_GE(balance.connections(there), kConnections / 2 - 2);
  EXPECT_EQ(balance.total(), kConnections);
  EXPECT_EQ(balance.handed_over(), balance.connections(there));
  for (std::size_t i = 0; i < adopted_here; ++i) {
    balance.ended(here);
  }
  EXPECT_EQ(balance.connections(here), 0U);
  run(acceptor.stop());
  other->stop();
  runner.join();
}

}  // namespace
}  // namespace sk
