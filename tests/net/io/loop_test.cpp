#include "tests/support/loop_test.h"

#include "net/core/owned_fd.h"
#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/io/task_group.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <system_error>
#include <thread>

namespace sk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct SocketPair {
  SocketPair() {
    int fds[2];
    SK_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    ours = fds[0];
    theirs = fds[1];
  }
  ~SocketPair() {
    if (theirs >= 0) {
      ::close(theirs);
    }
  }
  void hang_up() {
    ::close(theirs);
    theirs = -1;
  }
  int ours;
  int theirs;
};

class LoopTest : public test::LoopTest {};

Task<void> echo_once(CancelScope& scope, int fd, std::string& seen) {
  Result<Slice> got = co_await RecvPooled(scope, fd);
  EXPECT_TRUE(got.has_value());
  seen = got->view();
  const Result<std::size_t> sent = co_await Send(scope, fd, got->data(), got->size());
  EXPECT_TRUE(sent.has_value());
}

TEST_F(LoopTest, PooledReceiveAndSendMoveBytes) {
  SocketPair pair;
  std::string seen;
  ASSERT_EQ(::send(pair.theirs, "hello", 5, 0), 5);
  CancelScope scope(*loop_);
  run(echo_once(scope, pair.ours, seen));
  EXPECT_EQ(seen, "hello");
  std::array<char, 16> back{};
  EXPECT_EQ(::recv(pair.theirs, back.data(), back.size(), 0), 5);
  loop_->close(pair.ours);
}

Task<void> read_to_end(CancelScope& scope, int fd, std::string& all) {
  while (true) {
    Result<Slice> got = co_await RecvPooled(scope, fd);
    if (!got || got->empty()) {
      EXPECT_TRUE(got.has_value());
      co_return;
    }
    all.append(got->view());
  }
}

TEST_F(LoopTest, EndOfStreamRightBehindDataIsSeen) {
  SocketPair pair;
  ASSERT_EQ(::send(pair.theirs, "last", 4, 0), 4);
  pair.hang_up();
  std::string all;
  CancelScope scope(*loop_);
  run(read_to_end(scope, pair.ours, all));
  EXPECT_EQ(all, "last");
  loop_->close(pair.ours);
}

Task<void> join(TaskGroup& group) { co_await group.join(); }

// A Unix socket tells its writer of room after every message that the peer has read.
TEST_F(LoopTest, APeerThatReadsDoesNotWakeALoopThatWaitsForInput) {
  SocketPair pair;
  CancelScope scope(*loop_);
  TaskGroup group(*loop_);
  std::string seen;
  ASSERT_EQ(::send(pair.theirs, "one", 3, 0), 3);
  run(echo_once(scope, pair.ours, seen));
  std::string rest;
  group.spawn(read_to_end(scope, pair.ours, rest));
  // The first turns only arm the receive.
  EXPECT_FALSE(test::run_until(*loop_, [] { return false; }, milliseconds(20)));
  std::thread reader([&] {
    std::array<char, 16> back{};
    EXPECT_EQ(::recv(pair.theirs, back.data(), back.size(), 0), 3);
  });
  const Instant until = loop_->read_clock() + milliseconds(100);
  loop_->run_once(until);
  EXPECT_GE(loop_->read_clock(), until);
  reader.join();
  pair.hang_up();
  run(join(group));
  loop_->close(pair.ours);
}

Task<void> send_all(CancelScope& scope, int fd, std::string bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const Result<std::size_t> more =
        co_await Send(scope, fd, bytes.data() + sent, bytes.size() - sent);
    EXPECT_TRUE(more.has_value());
    if (!more) {
      co_return;
    }
    sent += *more;
  }
}

TEST_F(LoopTest, AWriterIsWokenEachTimeThereIsRoomAgain) {
  SocketPair pair;
  CancelScope scope(*loop_);
  constexpr std::size_t kBytes = 1 << 20;  // several times what the socket holds
  for (int round = 0; round < 3; ++round) {
    std::size_t read = 0;
    std::thread reader([&] {
      std::array<char, 65536> room;
      pollfd ready{pair.theirs, POLLIN, 0};
      while (read < kBytes && ::poll(&ready, 1, 5000) == 1) {
        const ssize_t got = ::recv(pair.theirs, room.data(), room.size(), 0);
        read += got > 0 ? static_cast<std::size_t>(got) : 0;
      }
    });
    run(send_all(scope, pair.ours, std::string(kBytes, 'x')));
    reader.join();
    EXPECT_EQ(read, kBytes);
    // Between two rounds nobody waits for room; room is reported all the same.
    EXPECT_FALSE(test::run_until(*loop_, [] { return false; }, milliseconds(5)));
  }
  loop_->close(pair.ours);
}

Task<void> receive_expecting(CancelScope& scope, int fd, Instant until, ErrorCode expected) {
  const Result<Slice> got = co_await RecvPooled(scope, fd, until);
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, expected);
}

TEST_F(LoopTest, TimeoutOfAnOperationEndsIt) {
  SocketPair pair;
  CancelScope scope(*loop_);
  run(receive_expecting(scope, pair.ours, loop_->now() + milliseconds(5), ErrorCode::timeout));
  loop_->close(pair.ours);
}

TEST_F(LoopTest, DeadlineOfTheScopeEndsTheOperation) {
  SocketPair pair;
  CancelScope parent(*loop_);
  CancelScope scope(parent, loop_->now() + milliseconds(5));
  run(receive_expecting(scope, pair.ours, kNever, ErrorCode::deadline));
  EXPECT_FALSE(parent.cancelled());
  loop_->close(pair.ours);
}

Task<void> cancel_when_ready(Event& started, CancelScope& scope, CancelScope& target) {
  const Result<void> go = co_await started.wait(scope);
  EXPECT_TRUE(go.has_value());
  target.cancel(ErrorCode::reset);
}

Task<void> cancelled_from_beside(CancelScope& root, int fd) {
  CancelScope inner(root);
  Event started(root.loop());
  TaskGroup group(root.loop());
  group.spawn(cancel_when_ready(started, root, inner));
  started.set();
  const Result<Slice> got = co_await RecvPooled(inner, fd);
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::reset);
  co_await group.join();
}

TEST_F(LoopTest, CancellingTheScopeEndsTheOperationWithItsReason) {
  SocketPair pair;
  CancelScope scope(*loop_);
  run(cancelled_from_beside(scope, pair.ours));
  loop_->close(pair.ours);
}

TEST_F(LoopTest, OperationInACancelledScopeNeverStarts) {
  SocketPair pair;
  ASSERT_EQ(::send(pair.theirs, "x", 1, 0), 1);
  CancelScope scope(*loop_);
  scope.cancel(ErrorCode::deadline);
  run(receive_expecting(scope, pair.ours, kNever, ErrorCode::deadline));
  loop_->close(pair.ours);
}

Task<void> hold_buffers(CancelScope& scope, std::vector<int> fds, std::vector<Slice>& held) {
  for (const int fd : fds) {
    Result<Slice> got = co_await RecvPooled(scope, fd);
    EXPECT_TRUE(got.has_value());
    held.push_back(std::move(*got));
  }
}

Task<void> receive_late(CancelScope& scope, int fd, std::string& seen) {
  Result<Slice> got = co_await RecvPooled(scope, fd);
  EXPECT_TRUE(got.has_value());
  seen = got->view();
}

// With every buffer in use a receive is parked, without error and without spinning, until one is
// back.
TEST_F(LoopTest, ReceiveWaitsWhenBuffersRunOutAndGoesOnWhenOneReturns) {
  std::vector<Buffer*> taken;
  SocketPair pair;
  loop_->run_once(loop_->now());
  while (Buffer* buffer = loop_->buffers().acquire()) {
    taken.push_back(buffer);
  }
  // What the driver has lent to the kernel is used up by other sockets.
  std::vector<SocketPair> others(loop_->backend() == IoBackend::uring ? 64 : 0);
  std::vector<Slice> held;
  std::vector<int> fds;
  CancelScope scope(*loop_);
  for (SocketPair& other : others) {
    if (fds.size() + taken.size() < loop_->buffers().count()) {
      ASSERT_EQ(::send(other.theirs, "y", 1, 0), 1);
      fds.push_back(other.ours);
    }
  }
  run(hold_buffers(scope, fds, held));

  std::string seen;
  TaskGroup group(*loop_);
  ASSERT_EQ(::send(pair.theirs, "late", 4, 0), 4);
  group.spawn(receive_late(scope, pair.ours, seen));
  for (int turn = 0; turn < 20; ++turn) {
    loop_->run_once(loop_->read_clock() + milliseconds(1));
  }
  EXPECT_EQ(group.live(), 1U);
  EXPECT_GE(loop_->counters().starved, 1U);
  EXPECT_LE(loop_->counters().starved, 3U);

  held.clear();
  for (Buffer* buffer : taken) {
    buffer->references = 0;
    loop_->buffers().release(*buffer);
  }
  EXPECT_TRUE(test::run_until(*loop_, [&] { return group.live() == 0; }));
  EXPECT_EQ(seen, "late");
  loop_->close(pair.ours);
  for (SocketPair& other : others) {
    loop_->close(other.ours);
  }
}

Task<void> wait_ready(CancelScope& scope, int fd, short mask, short& ready, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const Result<short> events = co_await Poll(scope, fd, mask);
    EXPECT_TRUE(events.has_value());
    ready = *events;
  }
}

TEST_F(LoopTest, PollIsLevelTriggered) {
  SocketPair pair;
  ASSERT_EQ(::send(pair.theirs, "x", 1, 0), 1);
  CancelScope scope(*loop_);
  short ready = 0;
  run(wait_ready(scope, pair.ours, POLLIN, ready, 3));  // nobody reads, so it stays ready
  EXPECT_EQ(ready & POLLIN, POLLIN);
  run(wait_ready(scope, pair.ours, POLLIN | POLLOUT, ready, 1));
  EXPECT_EQ(ready & POLLOUT, POLLOUT);
  loop_->close(pair.ours);
}

Task<void> poll_both_then_cancel(CancelScope& root, int fd) {
  CancelScope inner(root, root.loop().now() + milliseconds(5));
  const Result<short> events = co_await Poll(inner, fd, POLLIN);
  EXPECT_FALSE(events.has_value());
  EXPECT_EQ(events.error().code, ErrorCode::deadline);
}

TEST_F(LoopTest, PollCanBeCancelled) {
  SocketPair pair;
  CancelScope scope(*loop_);
  run(poll_both_then_cancel(scope, pair.ours));
  loop_->close(pair.ours);
}

TEST_F(LoopTest, MessagesFromOtherThreadsWakeASleepingLoop) {
  int sum = 0;
  constexpr int kMessages = 1000;
  std::thread other([&] {
    for (int i = 0; i < kMessages; ++i) {
      loop_->post([&sum] { ++sum; });
    }
    loop_->post([this] { loop_->stop(); });
  });
  loop_->run();
  other.join();
  EXPECT_EQ(sum, kMessages);
}

TEST_F(LoopTest, StopFromAnotherThreadEndsRun) {
  std::thread other([this] { loop_->stop(); });
  loop_->run();
  other.join();
}

Task<void> sleep_until(CancelScope& scope, Instant at, int& woken) {
  const Result<void> slept = co_await Sleep(scope, at);
  EXPECT_TRUE(slept.has_value());
  EXPECT_GE(scope.loop().read_clock(), at);
  ++woken;
}

TEST_F(LoopTest, SleepersWakeAtTheirInstant) {
  CancelScope scope(*loop_);
  TaskGroup group(*loop_);
  int woken = 0;
  for (int i = 20; i > 0; --i) {
    group.spawn(sleep_until(scope, loop_->now() + milliseconds(i), woken));
  }
  EXPECT_TRUE(test::run_until(*loop_, [&] { return group.live() == 0; }));
  EXPECT_EQ(woken, 20);
}

Task<int> count_down(int left) {
  if (left == 0) {
    co_return 0;
  }
  const int below = co_await count_down(left - 1);
  co_return below + 1;
}

Task<void> await_many(int rounds, std::int64_t& sum) {
  for (int i = 0; i < rounds; ++i) {
    sum += co_await count_down(3);
  }
}

// Ends Loop::run() when it fires.
struct LastTimer final : TimerNode {
  explicit LastTimer(Loop& on)
      : TimerNode([](TimerNode& timer) {
          auto& self = static_cast<LastTimer&>(timer);
          self.fired = true;
          self.loop.stop();
        }),
        loop(on) {}
  Loop& loop;
  bool fired = false;
};

// Sets the alarm for the next timer and comes back before it: something has arrived.
void set_alarm(Loop& loop) {
  SocketPair pair;
  CancelScope scope(loop);
  TaskGroup group(loop);
  std::string seen;
  group.spawn(receive_late(scope, pair.ours, seen));
  loop.run_once(loop.now());  // the receive waits
  ASSERT_EQ(::send(pair.theirs, "x", 1, 0), 1);
  loop.run_once(kNever);
  for (int turn = 0; turn < 10 && group.live() > 0; ++turn) {
    loop.run_once(loop.now());
  }
  ASSERT_EQ(seen, "x");
  loop.close(pair.ours);
}

TEST_F(LoopTest, ATimerThatIsSoonerThanTheAlarmIsInTime) {
  LastTimer late(*loop_);
  LastTimer soon(*loop_);
  loop_->timers().arm(late, loop_->read_clock() + std::chrono::hours(1));
  set_alarm(*loop_);
  const Instant at = loop_->read_clock() + milliseconds(20);
  loop_->timers().arm(soon, at);
  loop_->run();
  EXPECT_TRUE(soon.fired);
  EXPECT_GE(loop_->now(), at);
  EXPECT_FALSE(late.fired);
  loop_->timers().disarm(late);
}

TEST_F(LoopTest, AnAlarmWhoseTimerWasDisarmedWakesTheLoopOnceForNothing) {
  LastTimer never(*loop_);
  LastTimer last(*loop_);
  const Instant now = loop_->read_clock();
  loop_->timers().arm(never, now + milliseconds(10));
  set_alarm(*loop_);
  loop_->timers().disarm(never);
  loop_->timers().arm(last, now + milliseconds(60));
  const std::uint64_t before = loop_->counters().turns;
  loop_->run();
  EXPECT_TRUE(last.fired);
  // One for nothing and one for the timer, which the wheel may have moved nearer in a turn or two.
  EXPECT_LE(loop_->counters().turns - before, 5U);
}

// A loop of awaits that finish at once must not grow the stack, whatever the optimiser does.
TEST_F(LoopTest, SynchronousAwaitsInALoopKeepTheStackFlat) {
  std::int64_t sum = 0;
  run(await_many(200'000, sum));
  EXPECT_EQ(sum, 600'000);
}

Task<void> throwing() {
  throw std::runtime_error("from below");
  co_return;
}

Task<void> catching(bool& caught) {
  try {
    co_await throwing();
  } catch (const std::runtime_error&) {
    caught = true;
  }
}

TEST_F(LoopTest, ExceptionsReachTheAwaiter) {
  bool caught = false;
  run(catching(caught));
  EXPECT_TRUE(caught);
}

struct CountingNode : ReadyNode {
  CountingNode() : ReadyNode([](ReadyNode& node) { ++static_cast<CountingNode&>(node).runs; }) {}
  int runs = 0;
};

TEST_F(LoopTest, TurnEndNodeRunsOncePerTurnHoweverOftenItIsAsked) {
  CountingNode node;
  loop_->at_turn_end(node);
  loop_->at_turn_end(node);
  loop_->run_once(loop_->now());
  loop_->run_once(loop_->now());
  EXPECT_EQ(node.runs, 1);
}

// Not with the sanitizers: to judge the exception's type theirs needs descriptors itself.
#ifndef __SANITIZE_ADDRESS__
// The number that the next descriptor gets.
int next_descriptor() {
  const OwnedFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return next.get();
}

TEST_F(LoopTest, OneThatCannotBeMadeLeavesNoDescriptorOpen) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = next_descriptor();
  // Of the three that a loop needs, so many may be had.
  for (const int granted : {0, 1, 2}) {
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(next + granted);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    EXPECT_THROW(Loop::create(loop_->backend(), config()), std::system_error) << granted;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(next_descriptor(), next) << granted;
  }
}
#endif

TEST_F(LoopTest, RandomnessIsSeededAndBounded) {
  const std::unique_ptr<Loop> twin = Loop::create(loop_->backend(), config());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(loop_->random(), twin->random());
    EXPECT_LT(loop_->random_below(7), 7U);
    static_cast<void>(twin->random_below(7));
  }
}

TEST(IoProbeTest, EpollIsAlwaysThereAndUnknownNamesAreRefused) {
  std::string why;
  const Result<IoProbe> probe = probe_io(IoChoice::epoll, why);
  ASSERT_TRUE(probe.has_value());
  EXPECT_EQ(probe->describe(), "epoll");
  EXPECT_FALSE(parse_io_choice("kqueue").has_value());
  const Result<IoProbe> automatic = probe_io(IoChoice::automatic, why);
  ASSERT_TRUE(automatic.has_value());
  EXPECT_EQ(automatic->backend == IoBackend::epoll, !automatic->step.empty());
}

}  // namespace
}  // namespace sk
