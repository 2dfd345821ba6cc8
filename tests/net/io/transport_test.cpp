// SocketTransport against a peer that is a plain blocking socket, driven by the test itself.
#include "net/io/listener.h"
#include "net/io/socket_transport.h"
#include "net/io/task_group.h"
#include "net/io/transport.h"

#include "tests/support/loop_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A connected TCP pair; `ours` is non-blocking and becomes the transport's.
struct TcpPair {
  TcpPair() {
    const Result<Listener> listener = Listener::open(*Address::parse("127.0.0.1:0"));
    SK_ASSERT(listener.has_value());
    theirs = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const Address& address = listener->local();
    SK_ASSERT(::connect(theirs, address.get(), address.size()) == 0);
    ours = ::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    SK_ASSERT(ours >= 0);
    const timeval patience{10, 0};
    ::setsockopt(theirs, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(theirs, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  ~TcpPair() {
    if (theirs >= 0) {
      ::close(theirs);
    }
  }
  TcpPair(const TcpPair&) = delete;
  TcpPair& operator=(const TcpPair&) = delete;

  void send(std::string_view bytes) {
    SK_ASSERT(::send(theirs, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(bytes.size()));
  }
  // Up to `limit` bytes, or fewer at the end of the stream.
  std::string receive(std::size_t limit) {
    std::string all(limit, '\0');
    std::size_t have = 0;
    while (have < limit) {
      const ssize_t got = ::recv(theirs, all.data() + have, limit - have, 0);
      if (got <= 0) {
        break;
      }
      have += static_cast<std::size_t>(got);
    }
    all.resize(have);
    return all;
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(theirs, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    ::close(std::exchange(theirs, -1));
  }

  int ours = -1;
  int theirs = -1;
};

class TransportTest : public test::LoopTest {
 protected:
  TransportTest() { make(seconds(5)); }
  ~TransportTest() override {
    if (transport_) {
      run(transport_->close());
    }
  }

  void make(Duration write_stall) {
    if (transport_) {
      run(transport_->close());
    }
    pair_ = std::make_unique<TcpPair>();
    transport_ = std::make_unique<SocketTransport>(*loop_, pair_->ours, write_stall);
  }

  void settle() {
    for (int turn = 0; turn < 5; ++turn) {
      loop_->run_once(loop_->read_clock() + milliseconds(1));
    }
  }

  std::unique_ptr<TcpPair> pair_;
  std::unique_ptr<SocketTransport> transport_;
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  }
  return bytes;
}

// Reads to the end of the stream.
Task<void> read_all(Transport& transport, CancelScope& scope, std::string& all, Result<void>& end) {
  while (true) {
    Result<Slice> got = co_await transport.read(scope);
    if (!got) {
      end = fail(got.error());
      co_return;
    }
    if (got->empty()) {
      end = Result<void>();
      co_return;
    }
    all.append(got->view());
  }
}

Task<void> echo(Transport& transport, CancelScope& scope) {
  while (true) {
    Result<Slice> got = co_await transport.read(scope);
    EXPECT_TRUE(got.has_value());
    if (!got || got->empty()) {
      transport.shutdown_write();
      co_return;
    }
    transport.output().append(std::move(*got));
    transport.flush();
    const Result<void> sent = co_await transport.drained(scope, 64 * 1024);
    EXPECT_TRUE(sent.has_value());
  }
}

// epoll completes a send at once and runs its completion later: a second send between the two (a
// TLS record behind the handshake's last, in one turn) must not begin with the first one's bytes.
TEST_F(TransportTest, BytesSentInTheTurnOfAnEarlierSendFollowItAndDoNotRepeatIt) {
  transport_->start();
  transport_->output().append_copy("first ");
  transport_->send_now();
  transport_->output().append_copy("second");
  transport_->send_now();
  settle();
  transport_->shutdown_write();
  settle();
  EXPECT_EQ(pair_->receive(64), "first second");
}

TEST_F(TransportTest, EchoesAndEndsItsDirectionBehindTheData) {
  const std::string message = pattern(3'000'000);
  std::string back;
  transport_->start();
  std::thread writer([&] {
    pair_->send(message);
    ::shutdown(pair_->theirs, SHUT_WR);
  });
  std::thread reader([&] { back = pair_->receive(message.size() + 1); });
  CancelScope scope(*loop_);
  run(echo(*transport_, scope));
  EXPECT_TRUE(test::run_until(*loop_, [&] { return transport_->unsent() == 0; }));
  settle();  // the end of our direction follows the last completion
  writer.join();
  reader.join();
  EXPECT_EQ(back, message);
}

TEST_F(TransportTest, EndOfStreamComesAfterTheDataAndStays) {
  transport_->start();
  pair_->send("last words");
  ::shutdown(pair_->theirs, SHUT_WR);
  std::string all;
  Result<void> end = fail(ErrorCode::internal);
  CancelScope scope(*loop_);
  run(read_all(*transport_, scope, all, end));
  EXPECT_EQ(all, "last words");
  EXPECT_TRUE(end.has_value());
  EXPECT_FALSE(transport_->broken().has_value());
  EXPECT_TRUE(transport_->readable());
  EXPECT_TRUE(transport_->take()->empty());
  // Half-closed: our direction still works.
  transport_->output().append_copy("answer");
  transport_->shutdown_write();
  EXPECT_TRUE(test::run_until(*loop_, [&] { return transport_->unsent() == 0; }));
  settle();
  EXPECT_EQ(pair_->receive(100), "answer");
}

TEST_F(TransportTest, ResetIsNoticedWithoutAReader) {
  int notices = 0;
  transport_->on_broken([](void* count) { ++*static_cast<int*>(count); }, &notices);
  transport_->start();
  settle();
  pair_->reset();
  ASSERT_TRUE(test::run_until(*loop_, [&] { return transport_->broken().has_value(); }));
  EXPECT_EQ(transport_->broken()->code, ErrorCode::reset);
  EXPECT_EQ(notices, 1);
  EXPECT_FALSE(transport_->take().has_value());
}

TEST_F(TransportTest, WhatWasReadAheadIsDeliveredBeforeTheReset) {
  transport_->start();
  pair_->send("kept");
  ASSERT_TRUE(test::run_until(*loop_, [&] { return transport_->readable(); }));
  pair_->reset();
  settle();
  EXPECT_EQ(transport_->take()->view(), "kept");
  ASSERT_TRUE(test::run_until(*loop_, [&] { return transport_->readable(); }));
  const Result<Slice> next = transport_->take();
  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error().code, ErrorCode::reset);
}

TEST_F(TransportTest, ReadsAheadOneBufferAndLeavesTheRestToThePeer) {
  transport_->start();
  ::fcntl(pair_->theirs, F_SETFL, O_NONBLOCK);
  const std::string block(65536, 'x');
  for (int turn = 0; turn < 200; ++turn) {
    static_cast<void>(::send(pair_->theirs, block.data(), block.size(), MSG_NOSIGNAL));
    loop_->run_once(loop_->now());
  }
  // Whatever the peer has pushed into the kernel, we hold one buffer of it.
  const std::size_t lent = loop_->backend() == IoBackend::uring ? loop_->buffers().count() : 0;
  EXPECT_GE(loop_->buffers().free_count() + lent + 1, loop_->buffers().count());
  EXPECT_LE(transport_->take()->size(), kBufferBytes);
}

// 8 MiB at once: more than the kernel takes in one call, so sends are short; every byte arrives in
// order, and unsent() falls on the way.
TEST_F(TransportTest, EightMebibytesLeaveInShortSends) {
  const std::string message = pattern(8 * 1024 * 1024);
  transport_->start();
  transport_->output().append_copy(message);
  transport_->flush();
  EXPECT_EQ(transport_->unsent(), message.size());
  for (int turn = 0; turn < 50; ++turn) {
    loop_->run_once(loop_->now());
  }
  const std::size_t stuck = transport_->unsent();
  EXPECT_GT(stuck, 0U);  // nobody reads yet
  EXPECT_LT(stuck, message.size());
  std::string got;
  std::thread reader([&] { got = pair_->receive(message.size()); });
  EXPECT_TRUE(test::run_until(*loop_, [&] { return transport_->unsent() == 0; }));
  reader.join();
  EXPECT_TRUE(got == message);
}

Task<void> fill_until_blocked(Transport& transport, CancelScope& scope, std::size_t total,
                              std::size_t limit, std::size_t& highest) {
  const std::string block = pattern(4096);
  for (std::size_t sent = 0; sent < total; sent += block.size()) {
    transport.output().append_copy(block);
    transport.flush();
    highest = std::max(highest, transport.unsent());
    const Result<void> room = co_await transport.drained(scope, limit);
    EXPECT_TRUE(room.has_value());
  }
}

TEST_F(TransportTest, WriterThatWaitsForRoomKeepsTheQueueBounded) {
  transport_->start();
  CancelScope scope(*loop_);
  TaskGroup group(*loop_);
  std::size_t highest = 0;
  constexpr std::size_t kTotal = 16 * 1024 * 1024;
  constexpr std::size_t kLimit = 64 * 1024;
  group.spawn(fill_until_blocked(*transport_, scope, kTotal, kLimit, highest));
  settle();
  std::string got;
  std::thread reader([&] { got = pair_->receive(kTotal); });
  EXPECT_TRUE(test::run_until(*loop_, [&] { return group.live() == 0; }));
  EXPECT_TRUE(test::run_until(*loop_, [&] { return transport_->unsent() == 0; }));
  reader.join();
  EXPECT_EQ(got.size(), kTotal);
  EXPECT_LE(highest, kLimit + 4096);
}

TEST_F(TransportTest, WriteWithoutProgressBreaksTheTransport) {
  make(milliseconds(20));
  transport_->start();
  transport_->output().append_copy(std::string(16 * 1024 * 1024, 'x'));
  transport_->flush();
  ASSERT_TRUE(test::run_until(*loop_, [&] { return transport_->broken().has_value(); }));
  EXPECT_EQ(transport_->broken()->code, ErrorCode::timeout);
}

// A reader slower than the timeout for the whole, but always moving, is not a stall.
TEST_F(TransportTest, SlowProgressIsNoStall) {
  make(milliseconds(100));
  transport_->start();
  transport_->output().append_copy(std::string(8 * 1024 * 1024, 'x'));
  transport_->flush();
  std::size_t taken = 0;
  std::vector<char> sink(256 * 1024);
  ASSERT_TRUE(test::run_until(
      *loop_,
      [&] {
        const ssize_t got = ::recv(pair_->theirs, sink.data(), sink.size(), MSG_DONTWAIT);
        taken += got > 0 ? static_cast<std::size_t>(got) : 0U;
        return taken == 8U * 1024 * 1024;
      },
      seconds(20)));
  EXPECT_FALSE(transport_->broken().has_value());
}

// Neither is one that never frees as much of the kernel's buffer as it takes to report room.
TEST_F(TransportTest, ReaderThatFreesLittleAtATimeIsNoStall) {
  make(milliseconds(600));
  transport_->start();
  transport_->output().append_copy(std::string(16 * 1024 * 1024, 'x'));
  transport_->flush();
  std::vector<char> sink(32 * 1024);
  Instant read_at = loop_->read_clock();
  const Instant end = read_at + seconds(2);
  while (loop_->read_clock() < end) {
    loop_->run_once(read_at);
    if (loop_->read_clock() >= read_at) {
      ASSERT_GT(::recv(pair_->theirs, sink.data(), sink.size(), MSG_DONTWAIT), 0);
      read_at += milliseconds(25);
    }
  }
  EXPECT_FALSE(transport_->broken().has_value());
  EXPECT_GT(transport_->unsent(), 0U);
}

TEST_F(TransportTest, WritingToAPeerThatIsGoneBreaksTheTransport) {
  transport_->start();
  ::close(std::exchange(pair_->theirs, -1));
  ASSERT_TRUE(test::run_until(*loop_, [&] { return transport_->readable(); }));
  EXPECT_TRUE(transport_->take()->empty());  // a clean end so far
  for (int i = 0; i < 3 && !transport_->broken(); ++i) {
    transport_->output().append_copy("hello?");
    transport_->flush();
    settle();
  }
  ASSERT_TRUE(transport_->broken().has_value());
  EXPECT_EQ(transport_->broken()->code, ErrorCode::reset);
}

TEST_F(TransportTest, ClosesWhileAReceiveAndASendAreInFlight) {
  transport_->start();
  transport_->output().append_copy(std::string(16 * 1024 * 1024, 'x'));
  transport_->flush();
  settle();
  EXPECT_GT(transport_->unsent(), 0U);
  run(transport_->close());
  run(transport_->close());
  transport_.reset();
  // The peer sees the end, after what the kernel had taken.
  EXPECT_LT(pair_->receive(32 * 1024 * 1024).size(), 16U * 1024 * 1024);
}

TEST_F(TransportTest, ClosesRightAfterStartAndAfterACompletionThatHasNotRun) {
  for (int turns = 0; turns < 4; ++turns) {
    make(seconds(5));
    transport_->start();
    pair_->send("bytes on their way");
    for (int turn = 0; turn < turns; ++turn) {
      loop_->run_once(loop_->now());
    }
    run(transport_->close());
    transport_.reset();
  }
}

TEST_F(TransportTest, CloseOfATransportThatNeverStarted) {
  run(transport_->close());
  transport_.reset();
  EXPECT_EQ(pair_->receive(1), "");
}

Task<void> read_expecting(Transport& transport, CancelScope& scope, Instant until,
                          ErrorCode expected) {
  const Result<Slice> got = co_await transport.read(scope, until);
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, expected);
}

TEST_F(TransportTest, ReadEndsAtItsInstantAndCanBeRepeated) {
  transport_->start();
  CancelScope scope(*loop_);
  run(read_expecting(*transport_, scope, loop_->now() + milliseconds(5), ErrorCode::timeout));
  pair_->send("late");
  ::shutdown(pair_->theirs, SHUT_WR);
  std::string all;
  Result<void> end = fail(ErrorCode::internal);
  run(read_all(*transport_, scope, all, end));
  EXPECT_EQ(all, "late");
}

TEST_F(TransportTest, ManyPiecesLeaveInOrder) {
  transport_->start();
  std::string expected;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string small = pattern(1 + i);
    const std::string large = pattern(kCopyBelowBytes + i);
    transport_->output().append_copy(small);
    transport_->output().append(copy_to_slice(loop_->buffers(), large));
    expected += small + large;
  }
  transport_->flush();
  std::string got;
  std::thread reader([&] { got = pair_->receive(expected.size()); });
  EXPECT_TRUE(test::run_until(*loop_, [&] { return transport_->unsent() == 0; }));
  reader.join();
  EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace sk
