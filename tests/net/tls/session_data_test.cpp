// Data over an established TlsTransport: bounds on what is held, backpressure, and the ways a
// connection ends, cleanly or not.

#include "net/io/task_group.h"
#include "net/tls/session.h"

#include "tests/net/tls/session_fixture.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace sk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  }
  return bytes;
}

// --- data ---

TEST_F(TlsSessionTest, LargeTransfersBothWaysWithTinyReads) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  const std::string up = pattern(1'500'000);
  const std::string down = pattern(3'000'000);
  c.client->receive_limit(777);
  c.client->write(up);
  c.server->output().append_copy(down);
  c.server->flush();
  std::string got;
  std::size_t steps = 0;
  ASSERT_TRUE(move_until(
      c,
      [&] {
        if (++steps == 200) {
          c.client->receive_limit(100'000);  // the rest need not take as long
        }
        if (c.server->readable()) {
          const Result<Slice> part = c.server->take();
          EXPECT_TRUE(part.has_value());
          EXPECT_LE(part->size(), kBufferBytes);
          got.append(part->view());
        }
        return got.size() >= up.size() && c.client->received().size() >= down.size();
      },
      seconds(60)));
  EXPECT_TRUE(got == up);
  EXPECT_TRUE(c.client->received() == down);
  EXPECT_TRUE(move_until(c, [&] { return c.server->unsent() == 0; }));
}

TEST_F(TlsSessionTest, SmallRecordsAreReadTogether) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  for (int i = 0; i < 50; ++i) {
    c.client->write("0123456789");
  }
  c.client->step();
  ASSERT_TRUE(test::run_until(*loop_, [&] { return c.server->readable(); }));
  EXPECT_EQ(c.server->take()->size(), 500U);
}

TEST_F(TlsSessionTest, EncryptsOnlySoFarAheadOfTheKernel) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.client->stop_reading();
  constexpr std::size_t kBytes = 4 * 1024 * 1024;
  c.server->output().append_copy(pattern(kBytes));
  c.server->flush();
  settle(c);
  const std::size_t encrypted = c.server->unsent() - c.server->output().size();
  EXPECT_LE(encrypted, TlsTransport::kEncryptedAheadMax + 17 * 1024);
  EXPECT_GE(encrypted, TlsTransport::kEncryptedAheadMax);
  EXPECT_GT(c.server->output().size(), kBytes / 2);
}

Task<void> wait_drained(Transport& transport, CancelScope& scope, std::size_t limit, bool& done) {
  const Result<void> drained = co_await transport.drained(scope, limit);
  done = drained.has_value();
}

TEST_F(TlsSessionTest, DrainedWakesWhenTheKernelHasTakenEnough) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.server->output().append_copy(pattern(2'000'000));
  c.server->flush();
  CancelScope scope(*loop_);
  TaskGroup group(*loop_);
  bool done = false;
  group.spawn(wait_drained(*c.server, scope, 0, done));
  EXPECT_FALSE(done);
  EXPECT_TRUE(move_until(c, [&] { return group.live() == 0; }));
  EXPECT_TRUE(done);
  EXPECT_TRUE(move_until(c, [&] { return c.client->received().size() == 2'000'000; }));
}

TEST_F(TlsSessionTest, WriteStallBreaksTheTransport) {
  connections_.push_back(std::make_unique<Connection>(*loop_, context_, admission_,
                                                      TlsClientOptions{}, milliseconds(50)));
  Connection& c = *connections_.back();
  ASSERT_TRUE(establish(c));
  c.client->stop_reading();
  c.server->output().append_copy(pattern(4 * 1024 * 1024));
  c.server->flush();
  EXPECT_EQ(failure_of(c).code, ErrorCode::timeout);
}

// A client that asks for new keys again and again and never reads the answers.
TEST_F(TlsSessionTest, AnswersToKeyUpdatesAreBounded) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  settle(c);
  c.client->stop_reading();
  std::size_t highest = 0;
  for (int i = 0; i < 60'000 && !c.server->broken(); ++i) {
    SSL_key_update(c.client->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(c.client->ssl());
    if (i % 200 == 0) {
      c.client->step();
      loop_->run_once(loop_->now());
      highest = std::max(highest, c.server->unsent());
    }
  }
  EXPECT_LE(highest, TlsTransport::kEncryptedAheadMax + 128 * 1024);
}

// --- the ends ---

TEST_F(TlsSessionTest, ShutdownSaysCloseNotifyBehindTheDataAndReadingGoesOn) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.server->output().append_copy("the end");
  c.server->shutdown_write();
  EXPECT_GT(c.server->unsent(), 0U);
  ASSERT_TRUE(move_until(c, [&] { return c.client->closed_cleanly(); }));
  EXPECT_EQ(c.client->received(), "the end");
  EXPECT_TRUE(move_until(c, [&] { return c.client->stream_ended(); }));
  c.client->write("heard you");
  EXPECT_EQ(receive(c, 9), "heard you");
}

TEST_F(TlsSessionTest, ShutdownWithoutDataCountsAsUnsentUntilItHasLeft) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  settle(c);
  ASSERT_EQ(c.server->unsent(), 0U);
  c.server->shutdown_write();
  EXPECT_EQ(c.server->unsent(), 1U);
  CancelScope scope(*loop_);
  bool done = false;
  run(wait_drained(*c.server, scope, 0, done));
  run(c.server->close());
  EXPECT_TRUE(move_until(c, [&] { return c.client->closed_cleanly(); }));
}

TEST_F(TlsSessionTest, CloseNotifyIsACleanEndAndAnswersStillLeave) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.client->write("request");
  c.client->shutdown();
  c.client->step();
  c.client->half_close();
  EXPECT_EQ(receive(c, 7), "request");
  ASSERT_TRUE(move_until(c, [&] { return c.server->readable(); }));
  EXPECT_TRUE(c.server->take()->empty());
  EXPECT_FALSE(c.server->truncated());
  EXPECT_FALSE(c.server->broken().has_value());
  c.server->output().append_copy("answer");
  c.server->flush();
  EXPECT_TRUE(move_until(c, [&] { return c.client->received() == "answer"; }));
}

TEST_F(TlsSessionTest, EndWithoutCloseNotifyIsAnEndButMarked) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.client->write("request");
  c.client->step();
  c.client->half_close();
  EXPECT_EQ(receive(c, 7), "request");
  ASSERT_TRUE(move_until(c, [&] { return c.server->readable(); }));
  EXPECT_TRUE(c.server->take()->empty());
  EXPECT_TRUE(c.server->truncated());
  EXPECT_FALSE(c.server->broken().has_value());
  c.server->output().append_copy("answer");
  c.server->flush();
  EXPECT_TRUE(move_until(c, [&] { return c.client->received() == "answer"; }));
}

TEST_F(TlsSessionTest, RecordCutInTheMiddleIsAMarkedEnd) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  c.client->write("whole");
  c.client->write("torn apart");
  const std::string bytes = c.client->take_output();
  ASSERT_TRUE(c.client->send_raw(std::string_view(bytes).substr(0, bytes.size() - 3)));
  c.client->half_close();
  EXPECT_EQ(receive(c, 5), "whole");
  ASSERT_TRUE(move_until(c, [&] { return c.server->readable(); }));
  EXPECT_TRUE(c.server->take()->empty());
  EXPECT_TRUE(c.server->truncated());
}

TEST_F(TlsSessionTest, LeavingClientIsNoticedWithoutAReader) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c));
  int notices = 0;
  c.server->on_broken([](void* count) { ++*static_cast<int*>(count); }, &notices);
  // Bytes that the client has not read turn its close into a reset.
  c.client->stop_reading();
  c.server->output().append_copy("unread");
  c.server->flush();
  settle(c);
  c.client->hang_up();
  ASSERT_TRUE(test::run_until(*loop_, [&] { return c.server->broken().has_value(); }));
  EXPECT_EQ(c.server->broken()->code, ErrorCode::reset);
  EXPECT_EQ(notices, 1);
}

TEST_F(TlsSessionTest, DamagedRecordBreaksOnlyItsOwnConnection) {
  Connection& healthy = connect();
  Connection& damaged = connect();
  ASSERT_TRUE(establish(healthy));
  ASSERT_TRUE(establish(damaged));
  damaged.client->write("secret");
  std::string bytes = damaged.client->take_output();
  bytes[10] = static_cast<char>(bytes[10] ^ 1);
  ASSERT_TRUE(damaged.client->send_raw(bytes));
  healthy.client->write("ping");
  healthy.client->step();
  EXPECT_EQ(failure_of(damaged).code, ErrorCode::malformed);
  EXPECT_EQ(receive(healthy, 4), "ping");
  EXPECT_FALSE(healthy.server->broken().has_value());
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

// What somebody else has left in the thread's error queue is not taken for this connection's: not
// when a call would block, and that is when OpenSSL looks there.
TEST_F(TlsSessionTest, ForeignErrorsInTheQueueAreIgnored) {
  Connection& c = connect();
  ERR_raise(ERR_LIB_USER, 42);
  c.client->step(100);  // a part of the ClientHello
  loop_->run_once(loop_->now());
  ERR_raise(ERR_LIB_USER, 42);
  loop_->run_once(loop_->now());
  ASSERT_TRUE(establish(c));

  c.client->write("ping");
  const std::string record = c.client->take_output();
  for (const std::string_view part :
       {std::string_view(record).substr(0, 10), std::string_view(record).substr(10)}) {
    ASSERT_TRUE(c.client->send_raw(part));
    for (int turn = 0; turn < 5; ++turn) {
      ERR_raise(ERR_LIB_USER, 42);
      loop_->run_once(loop_->now());
    }
  }
  ASSERT_TRUE(test::run_until(*loop_, [&] { return c.server->readable(); }));
  EXPECT_EQ(c.server->take()->view(), "ping");
  ERR_raise(ERR_LIB_USER, 42);
  c.server->output().append_copy("pong");
  c.server->flush();
  EXPECT_TRUE(move_until(c, [&] { return c.client->received() == "pong"; }));
  EXPECT_FALSE(c.server->broken().has_value());
  ERR_clear_error();
}

TEST_F(TlsSessionTest, ClosesWithEverythingInFlight) {
  for (int turns = 0; turns < 8; ++turns) {
    Connection& c = connect();
    for (int turn = 0; turn < turns; ++turn) {
      c.client->step();
      loop_->run_once(loop_->now());
    }
    c.server->output().append_copy(pattern(1'000'000));
    c.server->flush();
    if (c.client->connected()) {
      c.client->write(pattern(100'000));
    }
    c.client->step();
    loop_->run_once(loop_->now());
    run(c.server->close());
    run(c.server->close());
    connections_.pop_back();
  }
}

TEST_F(TlsSessionTest, IdleConnectionHoldsNoBufferOfThePool) {
  Connection& c = connect();
  const std::size_t lent = loop_->backend() == IoBackend::uring
                               ? std::min<std::size_t>(64, loop_->buffers().count())
                               : 0;
  ASSERT_TRUE(establish(c));
  c.client->write("ping");
  EXPECT_EQ(receive(c, 4), "ping");
  c.server->output().append_copy("pong");
  c.server->flush();
  ASSERT_TRUE(move_until(c, [&] { return c.client->received() == "pong"; }));
  settle(c);
  if (lent == 0) {
    EXPECT_EQ(loop_->buffers().free_count(), loop_->buffers().count());
  }
  EXPECT_EQ(loop_->buffers().heap_fallbacks(), 0U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The heap that an idle connection keeps, after one request and with the client's side given up.
// Not built with sanitizers, whose heap cannot be asked.
TEST_F(TlsSessionTest, IdleConnectionKeepsAtMostFortyKibibytes) {
  constexpr std::size_t kConnections = 200;
  const auto serve_one = [&] {
    Connection& c = connect();
    ASSERT_TRUE(establish(c));
    c.client->write("ping");
    ASSERT_EQ(receive(c, 4), "ping");
    c.server->output().append_copy("pong");
    c.server->flush();
    ASSERT_TRUE(move_until(c, [&] { return c.client->received() == "pong"; }));
    settle(c);
    c.client->forget_session_state();
  };
  serve_one();  // what is allocated once per process
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < kConnections; ++i) {
    serve_one();
  }
  const std::size_t each = (::mallinfo2().uordblks - before) / kConnections;
  std::printf("heap per idle TLS 1.3 connection: %zu bytes (transport %zu, socket %zu)\n", each,
              sizeof(TlsTransport), sizeof(SocketTransport));
  RecordProperty("bytes_per_idle_connection", static_cast<int>(each));
  EXPECT_LE(each, 40U * 1024);
}
#endif

}  // namespace
}  // namespace sk::test
