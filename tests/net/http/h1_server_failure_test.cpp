// Goal: what the HTTP/1.1 server makes of broken requests, clients that leave, handlers that fail,
// limits, timeouts and its own end, as a client sees it, over real sockets on both backends.

#include "net/http/h1_server.h"

#include "tests/net/http/h1_server_fixture.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sk::test {
namespace {

using std::chrono::milliseconds;

Task<void> break_off(Handler&, Exchange& exchange) {
  ResponseHead head;
  head.status = 200;
  EXPECT_TRUE(exchange.respond(head, true).has_value());
  exchange.response_body().write(text(exchange, "half of it"));
  co_return;  // without finish()
}

Task<void> forget_to_answer(Handler&, Exchange&) { co_return; }

Task<void> throw_something(Handler&, Exchange& exchange) {
  if (exchange.request.path == "/after-head") {
    ResponseHead head;
    head.status = 200;
    EXPECT_TRUE(exchange.respond(head, true).has_value());
    exchange.response_body().write(text(exchange, "begun"));
  }
  throw std::runtime_error("handler");
  co_return;
}

TEST_F(H1ServerTest, BrokenRequestIsAnsweredAndNothingBehindItIsServed) {
  auto peer = connect();
  peer->send(
      "GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->ended());
  EXPECT_NE(peer->received().find("HTTP/1.1 400 Bad Request\r\n"), std::string::npos);
  EXPECT_NE(peer->received().find("application/problem+json"), std::string::npos);
  EXPECT_NE(peer->received().find("\"detail\": \"host_repeated\""), std::string::npos);
  EXPECT_EQ(handler_.targets, std::vector<std::string>{"/ok"});
  EXPECT_EQ(handler_.rejections, std::vector<std::string>{"400 host_repeated"});
  EXPECT_EQ(server_->counters().rejected, 1U);
}

TEST_F(H1ServerTest, BrokenChunkGets400FromAHandlerThatLeftIt) {
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 400")) << peer->received();
  EXPECT_EQ(handler_.error, "malformed chunk_size_invalid");
}

TEST_F(H1ServerTest, BodyBeyondTheLimitGets413) {
  config_.limits.body_bytes = 10;
  handler_.on_request = read_body;
  auto declared = connect();
  declared->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  ASSERT_TRUE(declared->wait_for_end());
  EXPECT_TRUE(declared->received().starts_with("HTTP/1.1 413"));
  EXPECT_EQ(handler_.entered, 0);
  auto counted = connect();
  counted->send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n6\r\n");
  ASSERT_TRUE(counted->wait_for_end());
  EXPECT_TRUE(counted->received().starts_with("HTTP/1.1 413")) << counted->received();
}

TEST_F(H1ServerTest, HalfCloseIsNotACancel) {
  handler_.on_request = wait_then_say_path;
  auto peer = connect();
  peer->send(kGet);
  peer->half_close();
  peer->settle();
  EXPECT_EQ(handler_.entered, 1);
  EXPECT_FALSE(handler_.cancelled);
  handler_.gate.set();
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/a"));
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->ended());
}

TEST_F(H1ServerTest, AResetCancelsTheHandler) {
  handler_.on_request = wait_then_say_path;
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(run_until(*loop_, [&] { return handler_.entered == 1; }));
  peer->reset();
  ASSERT_TRUE(run_until(*loop_, [&] { return handler_.cancelled; }));
  EXPECT_EQ(handler_.error, "reset");
  ASSERT_TRUE(run_until(*loop_, [&] { return server_->connections() == 0; }));
  EXPECT_EQ(server_->counters().aborted, 1U);
}

TEST_F(H1ServerTest, HalfCloseInsideABodyIsAnError) {
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello");
  peer->half_close();
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(handler_.error, "closed closed_in_body");
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 400"));
}

TEST_F(H1ServerTest, ABrokenOffResponseNeverLooksComplete) {
  handler_.on_request = break_off;
  auto peer = connect();
  peer->send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(peer->received().find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(handler_.targets.size(), 1U);
  EXPECT_EQ(server_->counters().aborted, 1U);
}

TEST_F(H1ServerTest, ABrokenOffResponseTo10IsAReset) {
  handler_.on_request = break_off;
  auto peer = connect();
  peer->send("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->was_reset()) << "a body that runs until close would look complete";
}

TEST_F(H1ServerTest, SilentAndThrowingHandlersBecome500) {
  handler_.on_request = forget_to_answer;
  auto silent = connect();
  silent->send(kGet);
  ASSERT_TRUE(silent->wait_for("handler_gave_no_response"));
  EXPECT_TRUE(silent->received().starts_with("HTTP/1.1 500"));
  handler_.on_request = throw_something;
  auto throwing = connect();
  throwing->send(kGet);
  ASSERT_TRUE(throwing->wait_for("handler_failed"));
  auto late = connect();
  late->send("GET /after-head HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(late->wait_for_end());
  EXPECT_EQ(late->received().find("0\r\n\r\n"), std::string::npos);
}

TEST_F(H1ServerTest, ARequestsLimitAndCloseOnRequestEndTheConnection) {
  config_.requests_per_connection = 2;
  auto peer = connect();
  peer->send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(handler_.targets, (std::vector<std::string>{"/1", "/2"}));
  EXPECT_EQ(RawPeer::occurrences(peer->received(), "Connection: close"), 1U);
  auto closing = connect();
  closing->send("GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(closing->wait_for_end());
  EXPECT_NE(closing->received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(closing->ended());
}

TEST_F(H1ServerTest, HeaderTimeoutIs408) {
  config_.header_timeout = milliseconds(50);
  auto peer = connect();
  peer->send("GET / HTTP/1.1\r\nHost: ");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 408"));
  EXPECT_EQ(handler_.rejections, std::vector<std::string>{"408 header_timeout"});
  EXPECT_EQ(server_->counters().header_timeouts, 1U);
}

TEST_F(H1ServerTest, HeaderTimeoutIsNotExtendedByDribbling) {
  config_.header_timeout = milliseconds(60);
  auto peer = connect();
  peer->send("GET / HTTP/1.1\r\nHost: x\r\n");
  const bool ended = run_until(*loop_, [&] {
    peer->send("X: y\r\n");
    peer->poll();
    return peer->ended() || peer->was_reset();
  });
  EXPECT_TRUE(ended);
  EXPECT_EQ(handler_.entered, 0);
}

TEST_F(H1ServerTest, IdleConnectionsCloseInSilence) {
  config_.idle_timeout = milliseconds(50);
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/a"));
  peer->forget();
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->ended());
  EXPECT_EQ(peer->received(), "");
  EXPECT_EQ(server_->counters().idle_timeouts, 1U);
}

TEST_F(H1ServerTest, ABodyThatStandsStillTimesOut) {
  config_.body_idle_timeout = milliseconds(50);
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(handler_.error, "timeout body_timeout");
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 408"));
}

TEST_F(H1ServerTest, ABodyThatDribblesTimesOut) {
  config_.body_idle_timeout = milliseconds(80);
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  const bool ended = run_until(*loop_, [&] {
    if (handler_.body.size() < 200) {
      peer->send("x");  // each byte in time, all of them far below the rate
    }
    peer->poll();
    return peer->ended() || peer->was_reset();
  });
  EXPECT_TRUE(ended);
  EXPECT_EQ(handler_.error, "timeout body_timeout");
}

TEST_F(H1ServerTest, DrainAnswersWhatComesAndClosesIdleOnesInTheEnd) {
  config_.drain_idle_timeout = milliseconds(100);
  handler_.on_request = wait_then_say_path;
  auto idle = connect();
  auto unused = connect();
  auto busy = connect();
  busy->send(kGet);
  ASSERT_TRUE(run_until(*loop_, [&] { return handler_.entered == 1; }));
  server_->announce_close();
  handler_.gate.set();
  ASSERT_TRUE(busy->wait_for_end());
  EXPECT_NE(busy->received().find("Connection: close"), std::string::npos);
  handler_.on_request = say_path;
  auto late = connect();
  late->send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(late->wait_for("\r\n\r\n/late"));
  idle->settle();
  EXPECT_FALSE(idle->ended());
  server_->drain();
  idle->send("GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(idle->wait_for("\r\n\r\n/last"));
  ASSERT_TRUE(idle->wait_for_end());
  ASSERT_TRUE(unused->wait_for_end());
  EXPECT_TRUE(unused->ended());
  for (RawPeer* peer : {idle.get(), unused.get(), late.get()}) {
    peer->close();
  }
  ASSERT_TRUE(run_until(*loop_, [&] { return server_->connections() == 0; }));
}

TEST_F(H1ServerTest, AbortEndsHandlersAndConnections) {
  handler_.on_request = wait_then_say_path;
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(run_until(*loop_, [&] { return handler_.entered == 1; }));
  server_->abort();
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(handler_.cancelled);
  ASSERT_TRUE(run_until(*loop_, [&] { return server_->connections() == 0; }));
}

}  // namespace
}  // namespace sk::test
