// Goal: the HTTP/1.1 server's behaviour as a client sees it, over real sockets on both backends.

#include "net/http/h1_server.h"
#include "net/http/traceparent.h"
#include "net/io/event.h"
#include "net/io/socket_transport.h"

#include "tests/net/http/tcp_pair.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Handler final : public ExchangeHandler {
 public:
  explicit Handler(Loop& loop) : gate(loop) {}

  Task<void> handle(Exchange& exchange) override { return on_request(*this, exchange); }
  void completed(Exchange& exchange) override {
    targets.emplace_back(exchange.request.path);
    statuses.push_back(exchange.status());
  }
  void rejected(const Rejection& rejection) override {
    rejections.emplace_back(std::to_string(rejection.status) + " " + std::string(rejection.reason));
  }

  using OnRequest = Task<void> (*)(Handler& self, Exchange& exchange);
  OnRequest on_request = nullptr;
  std::vector<std::string> targets;
  std::vector<int> statuses;
  std::vector<std::string> rejections;
  std::string body;   // what a handler read
  std::string error;  // how reading ended otherwise
  bool cancelled = false;
  int entered = 0;
  Event gate;  // handlers that wait, wait for this
};

Slice text(Exchange& exchange, std::string_view bytes) {
  return copy_to_slice(exchange.loop().buffers(), bytes);
}

void answer(Exchange& exchange, std::string_view body) {
  ResponseHead head;
  head.status = 200;
  head.content_length = body.size();
  head.fields.add(HeaderId::content_type, "text/plain");
  EXPECT_TRUE(exchange.respond(head, !body.empty()).has_value());
  if (!body.empty()) {
    exchange.response_body().write(text(exchange, body));
    exchange.response_body().finish();
  }
}

Task<void> say_path(Handler& self, Exchange& exchange) {
  ++self.entered;
  answer(exchange, exchange.request.path);
  co_return;
}

Task<void> wait_then_say_path(Handler& self, Exchange& exchange) {
  ++self.entered;
  const Result<void> waited = co_await self.gate.wait(exchange.scope());
  if (!waited) {
    self.cancelled = true;
    self.error = to_string(waited.error().code);
    co_return;
  }
  answer(exchange, exchange.request.path);
}

Task<void> read_body(Handler& self, Exchange& exchange) {
  ++self.entered;
  self.body.clear();
  while (true) {
    Result<Slice> bytes = co_await exchange.request_body().read(exchange.scope());
    if (!bytes) {
      self.error = std::string(to_string(bytes.error().code)) + " " + bytes.error().detail;
      co_return;
    }
    if (bytes->empty()) {
      break;
    }
    self.body.append(bytes->view());
  }
  answer(exchange, self.body.size() > 1000 ? "large" : self.body);
}

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

class H1ServerTest : public LoopTest {
 protected:
  H1ServerTest() : handler_(*loop_) { handler_.on_request = say_path; }

  ~H1ServerTest() override {
    if (server_) {
      server_->abort();
      run(server_->join());
    }
  }

  // A new connection to the server, which is made with config_ at the first one.
  std::unique_ptr<RawPeer> connect() {
    if (!server_) {
      server_ = std::make_unique<H1Server>(*loop_, handler_, config_);
    }
    const TcpPair pair;
    server_->start(std::make_unique<SocketTransport>(*loop_, pair.ours, seconds(30)),
                   PeerName(Address::peer_of(pair.ours)), false);
    return std::make_unique<RawPeer>(*loop_, pair.theirs);
  }

  H1ServerConfig config_;
  Handler handler_;
  std::unique_ptr<H1Server> server_;
};

TEST(Traceparent, OnlyVersion00InLowerCaseCounts) {
  constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(is_traceparent(kGood));
  std::string text(kGood);
  text[0] = '1';
  EXPECT_FALSE(is_traceparent(text));
  text = kGood;
  text[4] = 'B';
  EXPECT_FALSE(is_traceparent(text));
  EXPECT_FALSE(is_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_FALSE(is_traceparent(kGood.substr(0, 54)));
  EXPECT_FALSE(is_traceparent(""));
}

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

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
