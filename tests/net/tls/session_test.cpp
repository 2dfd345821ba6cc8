// TlsTransport against OpenSSL's own client over a socket pair; one thread moves both ends, so that
// a test decides which bytes arrive when.
#include "net/tls/session.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <functional>
#include <thread>

#include "net/io/task_group.h"
#include "tests/net/tls/tls_client.h"
#include "tests/support/loop_test.h"

namespace sk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::TlsClient;
using test::TlsClientOptions;

// A context of its own per name, from one certificate that the whole process shares.
std::shared_ptr<const TlsContext> make_context(std::shared_ptr<TicketKeys> tickets,
                                               const std::string& name = "edge",
                                               const char* algorithm = "EC") {
  static test::CertificateFolder folder;
  static const auto ec = folder.make("ec");
  static const auto rsa = folder.make("rsa", "RSA");
  const auto& pair = algorithm == std::string("EC") ? ec : rsa;
  TlsConfig config;
  config.certificate = {pair.certificate, pair.key};
  config.name = name;
  std::string why;
  const auto context = TlsContext::create(config, std::move(tickets), why);
  SK_ASSERT(context.has_value());
  return *context;
}

Task<void> await_handshake(TlsTransport& transport, CancelScope& scope, Instant until,
                           Result<void>& out) {
  out = co_await transport.handshake(scope, until);
}

// Server and client ends of one connection.
struct Connection {
  Connection(Loop& loop, std::shared_ptr<const TlsContext> context, HandshakeAdmission& admission,
             const TlsClientOptions& options = {}, Duration write_stall = seconds(5)) {
    int fds[2];
    SK_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    server = std::make_unique<TlsTransport>(
        std::move(context), admission, std::make_unique<SocketTransport>(loop, fds[0], write_stall));
    client = std::make_unique<TlsClient>(fds[1], options);
    server->start();
  }
  std::unique_ptr<TlsTransport> server;
  std::unique_ptr<TlsClient> client;
};

class TlsSessionTest : public test::LoopTest {
 protected:
  TlsSessionTest() : admission_(*loop_), context_(make_context(tickets_)) {}
  ~TlsSessionTest() override {
    for (auto& connection : connections_) {
      run(connection->server->close());
    }
  }

  Connection& connect(const TlsClientOptions& options = {}) {
    connections_.push_back(
        std::make_unique<Connection>(*loop_, context_, admission_, options));
    return *connections_.back();
  }

  // Moves the client and the loop until the condition holds.
  bool move_until(Connection& c, const std::function<bool()>& done,
                  Duration limit = seconds(10)) {
    const Instant end = loop_->read_clock() + limit;
    while (!done()) {
      if (loop_->read_clock() >= end) {
        return false;
      }
      if (c.client->fd() >= 0) {
        c.client->step();
      }
      loop_->run_once(loop_->read_clock() + std::chrono::microseconds(200));
    }
    return true;
  }

  bool establish(Connection& c) {
    return move_until(c, [&] {
      return (c.server->established() && c.client->connected()) || c.server->broken();
    }) && c.server->established();
  }

  void settle(Connection& c) {
    for (int turn = 0; turn < 10; ++turn) {
      if (c.client->fd() >= 0) {
        c.client->step();
      }
      loop_->run_once(loop_->now());
    }
  }

  // Takes everything that has arrived, up to `size` bytes.
  std::string receive(Connection& c, std::size_t size) {
    std::string all;
    move_until(c, [&] {
      while (c.server->readable() && all.size() < size) {
        const Result<Slice> got = c.server->take();
        if (!got || got->empty()) {
          return true;
        }
        all.append(got->view());
      }
      return all.size() >= size;
    });
    return all;
  }

  Error failure_of(Connection& c) {
    EXPECT_TRUE(move_until(c, [&] { return c.server->broken().has_value(); }));
    settle(c);
    return c.server->broken().value_or(Error{});
  }

  std::shared_ptr<TicketKeys> tickets_ = std::make_shared<TicketKeys>();
  HandshakeAdmission admission_;
  std::shared_ptr<const TlsContext> context_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  }
  return bytes;
}

// --- what is agreed upon ---

TEST_F(TlsSessionTest, Tls13WithThePostQuantumGroupCarriesBothDirections) {
  Connection& c = connect();
  ASSERT_TRUE(establish(c)) << c.client->failure();
  const TlsDetails details = c.server->details();
  EXPECT_EQ(details.version, "TLSv1.3");
  EXPECT_EQ(details.group, "X25519MLKEM768");
  EXPECT_EQ(details.cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(details.alpn, "http/1.1");
  EXPECT_FALSE(details.resumed);
  c.client->write("ping");
  EXPECT_EQ(receive(c, 4), "ping");
  c.server->output().append_copy("pong");
  c.server->flush();
  EXPECT_TRUE(move_until(c, [&] { return c.client->received() == "pong"; }));
  EXPECT_TRUE(move_until(c, [&] { return c.server->unsent() == 0; }));
}

TEST_F(TlsSessionTest, OtherGroupsAndRsaCertificatesWork) {
  for (const char* algorithm : {"EC", "RSA"}) {
    context_ = make_context(tickets_, "edge", algorithm);
    for (const char* group : {"X25519MLKEM768", "X25519", "P-256"}) {
      TlsClientOptions options;
      options.groups = group;
      Connection& c = connect(options);
      ASSERT_TRUE(establish(c)) << algorithm << ' ' << group << ": " << c.client->failure();
      c.client->write("x");
      EXPECT_EQ(receive(c, 1), "x");
    }
  }
  TlsClientOptions options;
  options.groups = "X448";
  EXPECT_EQ(failure_of(connect(options)).code, ErrorCode::unsupported);
}

TEST_F(TlsSessionTest, Tls12WithForwardSecrecyWorks) {
  TlsClientOptions options;
  options.max_version = TLS1_2_VERSION;
  Connection& c = connect(options);
  ASSERT_TRUE(establish(c)) << c.client->failure();
  EXPECT_EQ(c.server->details().version, "TLSv1.2");
  EXPECT_EQ(c.server->details().cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  c.client->write("ping");
  EXPECT_EQ(receive(c, 4), "ping");
}

TEST_F(TlsSessionTest, OldVersionsAndWeakCiphersAreRefusedWithAnAlert) {
  TlsClientOptions old;
  old.min_version = TLS1_VERSION;
  old.max_version = TLS1_1_VERSION;
  old.ciphers = "ALL:@SECLEVEL=0";
  Connection& c = connect(old);
  const Error error = failure_of(c);
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_EQ(error.origin, ErrorOrigin::downstream);
  EXPECT_STREQ(error.detail, "unsupported protocol");
  EXPECT_EQ(c.client->failure(), "tlsv1 alert protocol version");

  for (const char* cipher : {"ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"}) {
    TlsClientOptions weak;
    weak.max_version = TLS1_2_VERSION;
    weak.ciphers = cipher;
    Connection& w = connect(weak);
    EXPECT_EQ(failure_of(w).code, ErrorCode::unsupported) << cipher;
    EXPECT_TRUE(w.client->failed()) << cipher;
  }
}

TEST_F(TlsSessionTest, ProtocolWithoutOverlapIsRefusedNoneAtAllIsServed) {
  TlsClientOptions options;
  options.alpn = {"h2", "spdy/3.1"};
  Connection& c = connect(options);
  EXPECT_EQ(failure_of(c).code, ErrorCode::unsupported);
  EXPECT_NE(c.client->failure().find("no application protocol"), std::string::npos)
      << c.client->failure();

  options.alpn = {"h2", "http/1.1"};
  Connection& common = connect(options);
  ASSERT_TRUE(establish(common));
  EXPECT_EQ(common.server->details().alpn, "http/1.1");

  options.alpn = {};
  Connection& silent = connect(options);
  ASSERT_TRUE(establish(silent));
  EXPECT_EQ(silent.server->details().alpn, "");
}

TEST_F(TlsSessionTest, RenegotiationIsRefused) {
  TlsClientOptions options;
  options.max_version = TLS1_2_VERSION;
  Connection& c = connect(options);
  ASSERT_TRUE(establish(c));
  SSL_renegotiate(c.client->ssl());
  SSL_do_handshake(c.client->ssl());
  settle(c);
  EXPECT_TRUE(c.client->failed());
  EXPECT_EQ(c.client->failure(), "no renegotiation");
}

// --- resumption ---

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
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

// --- handshakes that go wrong ---

TEST_F(TlsSessionTest, GarbageAndPlainHttpAreRefused) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(64, '\xff'),
        std::string("\x16\x03\x01\x00\x05hello", 10), std::string("\x16\x03\x01\xff\xffxxxx")}) {
    Connection& c = connect();
    ASSERT_TRUE(c.client->send_raw(bytes));
    EXPECT_TRUE(test::run_until(*loop_, [&] { return c.server->broken().has_value(); }));
    EXPECT_EQ(c.server->broken()->code, ErrorCode::malformed);
    EXPECT_STRNE(c.server->broken()->detail, "tls: failed");
  }
  Connection& http = connect();
  ASSERT_TRUE(http.client->send_raw("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(test::run_until(*loop_, [&] { return http.server->broken().has_value(); }));
  EXPECT_STREQ(http.server->broken()->detail, "http request");
}

TEST_F(TlsSessionTest, EndlessClientHelloIsCutOff) {
  Connection& c = connect();
  // A handshake message of 128 KiB, in records of 16 KiB: none of them is wrong by itself.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string("\x01\x01\xf0\x00\x03\x03", 6) + std::string(16384 - 6, 'r');
  std::string stream = record;
  for (int i = 0; i < 7; ++i) {
    stream += std::string("\x16\x03\x01\x40\x00", 5) + std::string(16384, 'r');
  }
  std::size_t sent = 0;
  while (sent < stream.size() && !c.server->broken()) {
    const std::string_view rest = std::string_view(stream).substr(sent, 4096);
    sent += c.client->send_raw(rest) ? rest.size() : 0;
    loop_->run_once(loop_->now());
  }
  settle(c);
  ASSERT_TRUE(c.server->broken().has_value());
  EXPECT_LT(sent, stream.size());
}

TEST_F(TlsSessionTest, ClientThatLeavesInMidHandshakeIsNoticed) {
  Connection& silent = connect();
  silent.client->hang_up();
  EXPECT_EQ(failure_of(silent).code, ErrorCode::closed);

  Connection& partial = connect();
  partial.client->step(100);  // a part of the ClientHello
  loop_->run_once(loop_->now());
  partial.client->hang_up();
  EXPECT_EQ(failure_of(partial).code, ErrorCode::closed);

  Connection& half_way = connect();
  half_way.client->step();
  for (int turn = 0; turn < 5; ++turn) {
    loop_->run_once(loop_->now());
  }
  half_way.client->hang_up();  // with the server's flight unread: a reset
  const ErrorCode code = failure_of(half_way).code;
  EXPECT_TRUE(code == ErrorCode::reset || code == ErrorCode::closed) << to_string(code);
}

TEST_F(TlsSessionTest, HandshakeEndsAtItsInstant) {
  Connection& c = connect();
  CancelScope scope(*loop_);
  Result<void> done;
  run(await_handshake(*c.server, scope, loop_->now() + milliseconds(10), done));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::timeout);
  EXPECT_STREQ(done.error().detail, "tls handshake");
}

Task<void> handshake_then_close(TlsTransport& transport, CancelScope& scope, Result<void>& out) {
  out = co_await transport.handshake(scope, kNever);
  co_await transport.close();
}

// The owner hears of the failure and closes at once: the alert leaves all the same.
TEST_F(TlsSessionTest, AlertIsSentBeforeAnImmediateClose) {
  TlsClientOptions options;
  options.alpn = {"h2"};
  Connection& c = connect(options);
  CancelScope scope(*loop_);
  Result<void> done;
  TaskGroup group(*loop_);
  group.spawn(handshake_then_close(*c.server, scope, done));
  EXPECT_TRUE(move_until(c, [&] { return group.live() == 0 && c.client->failed(); }));
  ASSERT_FALSE(done.has_value());
  EXPECT_NE(c.client->failure().find("no application protocol"), std::string::npos);
}

TEST_F(TlsSessionTest, HandshakeIsAwaitedAndOutputGivenBeforeItIsSent) {
  Connection& c = connect();
  c.server->output().append_copy("early bird");
  c.server->flush();
  CancelScope scope(*loop_);
  Result<void> done = fail(ErrorCode::internal);
  TaskGroup group(*loop_);
  group.spawn(await_handshake(*c.server, scope, kNever, done));
  EXPECT_TRUE(move_until(c, [&] { return c.client->received() == "early bird"; }));
  EXPECT_EQ(group.live(), 0U);
  EXPECT_TRUE(done.has_value());
}

TEST_F(TlsSessionTest, SurvivesASplitAtEveryByteOfTheHandshake) {
  TlsClientOptions options;
  options.groups = "X25519";
  std::size_t longest = 1;
  for (std::size_t split = 1; split <= longest; ++split) {
    Connection& c = connect(options);
    std::size_t passed = 0;
    bool paused = false;
    c.client->step(0);
    const bool established = [&] {
      const Instant end = loop_->read_clock() + seconds(10);
      while (!(c.server->established() && c.client->connected() &&
               c.client->output_pending() == 0)) {
        if (loop_->read_clock() > end) {
          return false;
        }
        const std::size_t before = c.client->output_pending();
        const std::size_t limit = passed < split ? split - passed : SIZE_MAX;
        if (passed == split && !paused) {
          paused = true;  // the server works on the first part alone
          for (int turn = 0; turn < 3; ++turn) {
            loop_->run_once(loop_->now());
          }
        }
        c.client->step(0);
        const std::size_t pending = std::max(before, c.client->output_pending());
        c.client->step(limit);
        passed += pending - std::min(pending, c.client->output_pending());
        loop_->run_once(loop_->now());
      }
      return true;
    }();
    ASSERT_TRUE(established) << "split after " << split << " bytes";
    longest = std::max(longest, passed);
    c.client->write("ok");
    ASSERT_EQ(receive(c, 2), "ok") << "split after " << split << " bytes";
    run(c.server->close());
    connections_.pop_back();
  }
  EXPECT_GT(longest, 250U);  // a ClientHello and a Finished at the least
}

TEST_F(TlsSessionTest, SurvivesSingleBytesBothWays) {
  Connection& c = connect();
  c.client->receive_limit(1);
  const Instant end = loop_->read_clock() + seconds(20);
  while (!(c.server->established() && c.client->connected()) && loop_->read_clock() < end) {
    c.client->step(1);
    loop_->run_once(loop_->now());
  }
  ASSERT_TRUE(c.server->established());
  c.client->receive_limit(SIZE_MAX);
  c.client->write("done");
  EXPECT_EQ(receive(c, 4), "done");
}

TEST_F(TlsSessionTest, BurstOfHandshakesIsSpreadOverTurnsAndAllSucceed) {
  constexpr std::size_t kClients = 20;
  HandshakeAdmission narrow(*loop_, 1);
  std::vector<std::unique_ptr<Connection>> burst;
  for (std::size_t i = 0; i < kClients; ++i) {
    burst.push_back(std::make_unique<Connection>(*loop_, context_, narrow));
    burst.back()->client->step();
  }
  // All ClientHellos are there: at most one is answered per turn.
  std::size_t answered = 0;
  for (std::size_t turn = 0; turn < 2 * kClients; ++turn) {
    loop_->run_once(loop_->now());
    std::size_t now_answered = 0;
    for (const auto& c : burst) {
      char byte = 0;
      now_answered += ::recv(c->client->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? 1U : 0U;
    }
    EXPECT_LE(now_answered, answered + 2);  // one step may show a turn later, with the next one
    EXPECT_LE(now_answered, turn + 1);
    answered = now_answered;
  }
  EXPECT_GE(narrow.delayed(), kClients - 2);
  EXPECT_TRUE(test::run_until(*loop_, [&] {
    bool all = true;
    for (const auto& c : burst) {
      c->client->step();
      all = all && c->server->established() && c->client->connected();
    }
    return all;
  }));
  for (const auto& c : burst) {
    run(c->server->close());
  }
}

TEST_F(TlsSessionTest, ClosingWhileWaitingForAdmissionIsSafe) {
  HandshakeAdmission narrow(*loop_, 1);
  std::vector<std::unique_ptr<Connection>> burst;
  for (int i = 0; i < 5; ++i) {
    burst.push_back(std::make_unique<Connection>(*loop_, context_, narrow));
    burst.back()->client->step();
  }
  loop_->run_once(loop_->now());
  loop_->run_once(loop_->now());
  for (const auto& c : burst) {
    run(c->server->close());
  }
  burst.clear();
  for (int turn = 0; turn < 5; ++turn) {
    loop_->run_once(loop_->now());
  }
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
  for (const std::string_view part : {std::string_view(record).substr(0, 10),
                                      std::string_view(record).substr(10)}) {
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
  const std::size_t lent =
      loop_->backend() == IoBackend::uring ? std::min<std::size_t>(64, loop_->buffers().count()) : 0;
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
}  // namespace sk
