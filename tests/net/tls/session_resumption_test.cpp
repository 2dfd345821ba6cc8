// Resumed TLS sessions, in both versions: which keys and names open a ticket, on any thread.

#include "net/io/task_group.h"
#include "net/tls/session.h"

#include "tests/net/tls/session_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sk::test {
namespace {

using std::chrono::seconds;

SSL_SESSION* session_of(const TlsClient& client) {
  SSL_SESSION* session = SSL_get1_session(client.ssl());
  SK_ASSERT(SSL_SESSION_is_resumable(session) == 1);
  return session;
}

class TlsResumptionTest : public TlsSessionTest, public ::testing::WithParamInterface<int> {
 protected:
  // A connection that was used once, so that its ticket has come.
  SSL_SESSION* fresh_session() {
    TlsClientOptions options;
    options.max_version = GetParam();
    Connection& c = connect(options);
    SK_ASSERT(establish(c));
    SK_ASSERT(!c.client->resumed());
    c.server->output().append_copy("x");
    c.server->flush();
    SK_ASSERT(move_until(c, [&] { return !c.client->received().empty(); }));
    return session_of(*c.client);
  }

  bool resumes(SSL_SESSION* session) {
    TlsClientOptions options;
    options.max_version = GetParam();
    options.session = session;
    Connection& c = connect(options);
    EXPECT_TRUE(establish(c)) << c.client->failure();
    c.client->write("ping");
    EXPECT_EQ(receive(c, 4), "ping");
    EXPECT_EQ(c.server->details().resumed, c.client->resumed());
    return c.client->resumed();
  }
};

TEST_P(TlsResumptionTest, WorksAfterOneRotationOfTheKeysAndNotAfterTwo) {
  SSL_SESSION* session = fresh_session();
  SSL_SESSION* late = fresh_session();
  EXPECT_TRUE(resumes(session));
  tickets_->rotate(std::chrono::steady_clock::now());
  EXPECT_TRUE(resumes(late));
  SSL_SESSION* renewed = fresh_session();
  tickets_->rotate(std::chrono::steady_clock::now());
  EXPECT_FALSE(resumes(late));
  EXPECT_TRUE(resumes(renewed));
  for (SSL_SESSION* s : {session, late, renewed}) {
    SSL_SESSION_free(s);
  }
}

TEST_P(TlsResumptionTest, WorksOnAnotherThreadsLoopAndAnotherContextOfThatName) {
  SSL_SESSION* session = fresh_session();
  bool resumed = false;
  std::thread other([&] {
    const std::unique_ptr<Loop> loop = Loop::create(loop_->backend(), config());
    HandshakeAdmission admission(*loop);
    TlsClientOptions options;
    options.max_version = GetParam();
    options.session = session;
    Connection c(*loop, make_context(tickets_), admission, options);
    const Instant end = loop->read_clock() + seconds(10);
    while (!(c.server->established() && c.client->connected()) && loop->read_clock() < end) {
      c.client->step();
      loop->run_once(loop->read_clock() + std::chrono::microseconds(200));
    }
    resumed = c.client->resumed();
    TaskGroup group(*loop);
    group.spawn(c.server->close());
    SK_ASSERT(test::run_until(*loop, [&] { return group.live() == 0; }));
  });
  other.join();
  EXPECT_TRUE(resumed);
  SSL_SESSION_free(session);
}

TEST_P(TlsResumptionTest, StaysWithinItsName) {
  SSL_SESSION* session = fresh_session();
  context_ = make_context(tickets_, "another listener");
  EXPECT_FALSE(resumes(session));
  SSL_SESSION_free(session);
}

TEST_P(TlsResumptionTest, KeysOfAnotherProcessDoNotOpenOurTickets) {
  SSL_SESSION* session = fresh_session();
  context_ = make_context(std::make_shared<TicketKeys>());
  EXPECT_FALSE(resumes(session));
  SSL_SESSION_free(session);
}

// One context, several threads, and the keys change under them.
TEST_P(TlsResumptionTest, ContextAndKeysAreSharedByThreads) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 15;
  std::atomic<int> established{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const std::unique_ptr<Loop> loop = Loop::create(loop_->backend(), config());
      HandshakeAdmission admission(*loop);
      SSL_SESSION* session = nullptr;
      for (int round = 0; round < kRounds; ++round) {
        TlsClientOptions options;
        options.max_version = GetParam();
        options.session = session;
        Connection c(*loop, context_, admission, options);
        c.server->output().append_copy("x");
        c.server->flush();
        const Instant end = loop->read_clock() + seconds(10);
        while (c.client->received().empty() && loop->read_clock() < end) {
          c.client->step();
          loop->run_once(loop->read_clock() + std::chrono::microseconds(200));
        }
        established += c.client->received() == "x" ? 1 : 0;
        SSL_SESSION_free(session);
        session = SSL_get1_session(c.client->ssl());
        TaskGroup group(*loop);
        group.spawn(c.server->close());
        SK_ASSERT(test::run_until(*loop, [&] { return group.live() == 0; }));
      }
      SSL_SESSION_free(session);
    });
  }
  for (int i = 0; i < 20; ++i) {
    tickets_->rotate(std::chrono::steady_clock::now());
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(established, kThreads * kRounds);
}

INSTANTIATE_TEST_SUITE_P(BothVersions, TlsResumptionTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace sk::test
