// Handshakes of TlsTransport with OpenSSL's own client: what is agreed upon, what is refused, with
// which alert, and how a burst of them is admitted.

#include "net/io/task_group.h"
#include "net/tls/session.h"

#include "tests/net/tls/session_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Task<void> await_handshake(TlsTransport& transport, CancelScope& scope, Instant until,
                           Result<void>& out) {
  out = co_await transport.handshake(scope, until);
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

  for (const char* cipher :
       {"ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"}) {
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
      while (
          !(c.server->established() && c.client->connected() && c.client->output_pending() == 0)) {
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

}  // namespace
}  // namespace sk::test
