// H1ServerTest: an HTTP/1.1 server over real sockets, with a handler that notes what the server
// told it and does what a test says; here are those ways to answer that several test files use.
#pragma once

#include "net/http/h1_server.h"
#include "net/io/event.h"
#include "net/io/socket_transport.h"

#include "tests/net/http/tcp_pair.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sk::test {

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

inline Slice text(Exchange& exchange, std::string_view bytes) {
  return copy_to_slice(exchange.loop().buffers(), bytes);
}

inline void answer(Exchange& exchange, std::string_view body) {
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

inline Task<void> say_path(Handler& self, Exchange& exchange) {
  ++self.entered;
  answer(exchange, exchange.request.path);
  co_return;
}

inline Task<void> wait_then_say_path(Handler& self, Exchange& exchange) {
  ++self.entered;
  const Result<void> waited = co_await self.gate.wait(exchange.scope());
  if (!waited) {
    self.cancelled = true;
    self.error = to_string(waited.error().code);
    co_return;
  }
  answer(exchange, exchange.request.path);
}

inline Task<void> read_body(Handler& self, Exchange& exchange) {
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
    server_->start(std::make_unique<SocketTransport>(*loop_, pair.ours, std::chrono::seconds(30)),
                   PeerName(Address::peer_of(pair.ours)), false);
    return std::make_unique<RawPeer>(*loop_, pair.theirs);
  }

  H1ServerConfig config_;
  Handler handler_;
  std::unique_ptr<H1Server> server_;
};

inline constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace sk::test
