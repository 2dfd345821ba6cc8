// Goal: the HTTP/1.1 server's exchanges as a client sees them, over real sockets on both backends:
// order, bodies and their framing, 100 Continue, interim responses, tunnels.

#include "net/http/h1_server.h"

#include "tests/net/http/h1_server_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::test {
namespace {

Task<void> refuse_unread(Handler& self, Exchange& exchange) {
  ++self.entered;
  ResponseHead head;
  head.status = 403;
  EXPECT_TRUE(exchange.respond(head, false).has_value());
  co_return;
}

Task<void> stream_three(Handler&, Exchange& exchange) {
  ResponseHead head;
  head.status = 200;
  EXPECT_TRUE(exchange.respond(head, true).has_value());
  for (const char* part : {"one,", "two,", "three"}) {
    exchange.response_body().write(text(exchange, part));
  }
  Fields trailers;
  trailers.add("X-Sum", "3");
  exchange.response_body().finish(trailers);
  co_return;
}

Task<void> inform_first(Handler&, Exchange& exchange) {
  ResponseHead early;
  early.status = 103;
  early.fields.add(HeaderId::link, "</style.css>; rel=preload");
  exchange.inform(early);
  answer(exchange, "done");
  co_return;
}

Task<void> echo_tunnel(Handler& self, Exchange& exchange) {
  if (!exchange.request.websocket) {
    answer(exchange, "plain");
    co_return;
  }
  ResponseHead head;
  head.fields.add(HeaderId::sec_websocket_accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(exchange.upgrade(head).has_value());
  while (true) {
    Result<Slice> bytes = co_await exchange.request_body().read(exchange.scope());
    if (!bytes || bytes->empty()) {
      break;
    }
    self.body.append(bytes->view());
    exchange.response_body().write(std::move(*bytes));
  }
  exchange.response_body().finish();
}

Task<void> big_answer(Handler& self, Exchange& exchange) {
  constexpr std::size_t kBytes = 8 * 1024 * 1024;
  ResponseHead head;
  head.status = 200;
  head.content_length = kBytes;
  EXPECT_TRUE(exchange.respond(head, true).has_value());
  const std::string block(16384, 'x');
  for (std::size_t sent = 0; sent < kBytes; sent += block.size()) {
    const Result<void> room = co_await exchange.response_body().wait_writable(exchange.scope());
    if (!room) {
      self.error = to_string(room.error().code);
      co_return;
    }
    exchange.response_body().write(text(exchange, block));
  }
  exchange.response_body().finish();
}

TEST_F(H1ServerTest, AnswersAndKeepsTheConnection) {
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/a"));
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 200 OK\r\nDate: ")) << peer->received();
  EXPECT_NE(peer->received().find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_EQ(peer->received().find("Connection:"), std::string::npos);
  peer->forget();
  peer->send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/b"));
  EXPECT_EQ(server_->counters().connections, 1U);
  EXPECT_EQ(server_->counters().requests, 2U);
}

TEST_F(H1ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  auto peer = connect();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += "GET /r" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  peer->send(all);
  ASSERT_TRUE(peer->wait_for_count("HTTP/1.1 200", 50));
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/r49"));
  ASSERT_EQ(handler_.targets.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(handler_.targets[i], "/r" + std::to_string(i));
  }
}

TEST_F(H1ServerTest, OnlyOneRequestOfAConnectionRunsAtATime) {
  handler_.on_request = wait_then_say_path;
  auto peer = connect();
  peer->send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  peer->settle();
  EXPECT_EQ(handler_.entered, 1);
  handler_.gate.set();
  ASSERT_TRUE(peer->wait_for("/1"));
  ASSERT_TRUE(run_until(*loop_, [&] { return handler_.entered == 2; }));
  handler_.gate.set();
  ASSERT_TRUE(peer->wait_for("/2"));
}

TEST_F(H1ServerTest, ARequestInSmallPiecesIsTheSame) {
  handler_.on_request = read_body;
  auto peer = connect();
  const std::string request =
      "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n "
      "world\r\n"
      "0\r\n\r\n";
  for (const char c : request) {
    peer->send(std::string_view(&c, 1));
    loop_->run_once(loop_->read_clock());
  }
  ASSERT_TRUE(peer->wait_for("hello world"));
  EXPECT_EQ(handler_.body, "hello world");
}

TEST_F(H1ServerTest, ABodyIsReadAndTheNextRequestFollows) {
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send(
      "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloPOST /q HTTP/1.1\r\n"
      "Host: x\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(peer->wait_for("\r\n\r\nhello"));
  ASSERT_TRUE(peer->wait_for("\r\n\r\nabc"));
}

TEST_F(H1ServerTest, ALargeBodyArrivesWhole) {
  handler_.on_request = read_body;
  auto peer = connect();
  std::string body(3 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) {
    body[i] = static_cast<char>('a' + i % 23);
  }
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n");
  std::string_view rest = body;
  while (!rest.empty()) {
    peer->send(rest.substr(0, 100'000));
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 100'000));
    loop_->run_once(loop_->read_clock());
  }
  ASSERT_TRUE(
      run_until(*loop_, [&] { return !handler_.statuses.empty() || !handler_.error.empty(); }));
  EXPECT_EQ(handler_.error, "");
  EXPECT_TRUE(handler_.body == body);
}

TEST_F(H1ServerTest, UnreadSmallBodyIsDroppedAndTheConnectionGoesOn) {
  handler_.on_request = refuse_unread;
  auto peer = connect();
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(peer->wait_for("HTTP/1.1 403"));
  EXPECT_EQ(peer->received().find("Connection: close"), std::string::npos);
  peer->forget();
  peer->send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("HTTP/1.1 403"));
}

TEST_F(H1ServerTest, UnreadLargeBodyClosesTheConnectionAfterTheAnswer) {
  handler_.on_request = refuse_unread;
  auto peer = connect();
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhello");
  ASSERT_TRUE(peer->wait_for("HTTP/1.1 403"));
  EXPECT_NE(peer->received().find("Connection: close\r\n"), std::string::npos);
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->ended()) << "the answer must not be lost to a reset";
}

TEST_F(H1ServerTest, UnknownLengthIsChunkedWithTrailersFor11) {
  handler_.on_request = stream_three;
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(peer->wait_for("0\r\nX-Sum: 3\r\n\r\n"));
  EXPECT_NE(peer->received().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(peer->received().find("4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n"), std::string::npos);
}

TEST_F(H1ServerTest, UnknownLengthRunsUntilCloseFor10) {
  handler_.on_request = stream_three;
  auto peer = connect();
  peer->send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->received().ends_with("\r\n\r\none,two,three")) << peer->received();
  EXPECT_EQ(peer->received().find("Transfer-Encoding"), std::string::npos);
  EXPECT_NE(peer->received().find("Connection: close"), std::string::npos);
}

TEST_F(H1ServerTest, Http10KeepsAliveOnlyWhenAsked) {
  auto asked = connect();
  asked->send("GET /1 HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(asked->wait_for("Connection: keep-alive\r\n"));
  asked->send("GET /2 HTTP/1.0\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(asked->wait_for("\r\n\r\n/2"));
  ASSERT_TRUE(asked->wait_for_end());
}

TEST_F(H1ServerTest, HeadHasTheLengthAndNoBody) {
  auto peer = connect();
  peer->send("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\nGET /d HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/d"));
  EXPECT_NE(peer->received().find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(peer->received().find("/abc"), std::string::npos);
}

TEST_F(H1ServerTest, ContinueIsSentWhenTheHandlerReads) {
  handler_.on_request = read_body;
  auto peer = connect();
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("HTTP/1.1 100 Continue\r\n\r\n"));
  peer->send("hello");
  ASSERT_TRUE(peer->wait_for("\r\n\r\nhello"));
}

TEST_F(H1ServerTest, RefusalInsteadOfContinueClosesTheConnection) {
  handler_.on_request = refuse_unread;
  auto peer = connect();
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(peer->received().find("100 Continue"), std::string::npos);
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 403"));
  EXPECT_NE(peer->received().find("Connection: close"), std::string::npos);
}

TEST_F(H1ServerTest, OtherExpectationsGet417) {
  auto peer = connect();
  peer->send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: tea\r\n\r\nhello");
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 417"));
  EXPECT_EQ(handler_.entered, 0);
}

TEST_F(H1ServerTest, InterimResponsesGoTo11Only) {
  handler_.on_request = inform_first;
  auto modern = connect();
  modern->send(kGet);
  ASSERT_TRUE(modern->wait_for("\r\n\r\ndone"));
  EXPECT_TRUE(modern->received().starts_with(
      "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\nHTTP/1.1 200"));
  auto old = connect();
  old->send("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(old->wait_for("\r\n\r\ndone"));
  EXPECT_TRUE(old->received().starts_with("HTTP/1.1 200"));
}

TEST_F(H1ServerTest, UpgradeTurnsTheConnectionIntoATunnel) {
  handler_.on_request = echo_tunnel;
  auto peer = connect();
  peer->send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly");
  ASSERT_TRUE(peer->wait_for("\r\n\r\nearly"));
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_NE(peer->received().find("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
            std::string::npos);
  peer->send("GET /not-a-request HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("/not-a-request HTTP/1.1\r\n\r\n"));
  peer->half_close();
  ASSERT_TRUE(peer->wait_for_end());
  EXPECT_EQ(handler_.targets.size(), 1U);
}

TEST_F(H1ServerTest, ARefusedUpgradeLeavesAnHttpConnection) {
  handler_.on_request = say_path;
  auto peer = connect();
  peer->send(
      "GET /no HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(peer->wait_for("\r\n\r\n/next"));
  EXPECT_EQ(handler_.targets, (std::vector<std::string>{"/no", "/next"}));
}

TEST_F(H1ServerTest, ASlowReaderHoldsTheProducerBackAndGetsEverything) {
  handler_.on_request = big_answer;
  auto peer = connect();
  peer->send(kGet);
  for (int i = 0; i < 200; ++i) {
    loop_->run_once(loop_->read_clock());
  }
  EXPECT_TRUE(handler_.statuses.empty()) << "8 MiB cannot have left into a full socket";
  ASSERT_TRUE(run_until(*loop_, [&] { return peer->poll().size() > 8U * 1024 * 1024; }));
  EXPECT_EQ(handler_.statuses, std::vector<int>{200});
}

TEST_F(H1ServerTest, AnInvalidResponseHeadIsRefusedAndAnotherMayFollow) {
  handler_.on_request = [](Handler&, Exchange& exchange) -> Task<void> {
    ResponseHead bad;
    bad.status = 200;
    bad.fields.add("X-Bad", "a\r\nSet-Cookie: stolen=1");
    EXPECT_FALSE(exchange.respond(bad, false).has_value());
    answer(exchange, "good");
    co_return;
  };
  auto peer = connect();
  peer->send(kGet);
  ASSERT_TRUE(peer->wait_for("\r\n\r\ngood"));
  EXPECT_EQ(peer->received().find("stolen"), std::string::npos);
}

}  // namespace
}  // namespace sk::test
