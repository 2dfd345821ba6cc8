// Goal: one connection to an HTTP/1.1 endpoint, against endpoints that behave, misbehave or vanish,
// over real sockets on both backends. tests/cases/upstream-responses.json is replayed whole.

#include "net/http/h1_client.h"
#include "net/io/event.h"
#include "net/io/socket_transport.h"
#include "net/io/task_group.h"

#include "tests/net/http/case_file.h"
#include "tests/net/http/tcp_pair.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace sk::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An exchange without a downstream: only its head, its id and its scope matter to a client.
class BareExchange final : public Exchange {
 public:
  explicit BareExchange(Loop& loop) : Exchange(loop), root_(loop) {
    begin(root_);
    id = RequestId("abc_1");
    request.set_method(Method::get);
    request.path = "/r";
    request.authority = "example.com";
  }
  ~BareExchange() override { end(); }

  BodyReader& request_body() override { throw std::logic_error("no body"); }
  void inform(const ResponseHead&) override {}
  Result<void> respond(const ResponseHead&, bool) override { return fail(ErrorCode::internal); }
  BodyWriter& response_body() override { throw std::logic_error("no body"); }
  Result<void> upgrade(const ResponseHead&) override { return fail(ErrorCode::internal); }
  void close_after() override {}

 private:
  CancelScope root_;
};

struct Seen {
  int status = 0;
  int interim = 0;
  std::string body;
  std::string head_error;
  std::string body_error;
  std::string detail;
  std::vector<std::string> fields;
  bool complete = false;
  bool over = false;
};

Task<void> receive(UpstreamStream& stream, CancelScope& scope, Seen& seen) {
  while (true) {
    const Result<ResponseHead*> head = co_await stream.head(scope);
    if (!head) {
      seen.head_error = to_string(head.error().code);
      seen.detail = head.error().detail;
      EXPECT_EQ(head.error().origin, ErrorOrigin::upstream);
      break;
    }
    if ((*head)->informational() && (*head)->status != 101) {
      ++seen.interim;
      continue;
    }
    seen.status = (*head)->status;
    for (const HeaderField& field : (*head)->fields) {
      seen.fields.push_back(std::string(field.name()) + ": " + std::string(field.value()));
    }
    while (true) {
      Result<Slice> bytes = co_await stream.response_body().read(scope);
      if (!bytes) {
        seen.body_error = to_string(bytes.error().code);
        seen.detail = bytes.error().detail;
        break;
      }
      if (bytes->empty()) {
        seen.complete = true;
        break;
      }
      seen.body.append(bytes->view());
    }
    break;
  }
  seen.over = true;
}

class H1ClientTest : public LoopTest, public H1ClientOwner {
 protected:
  H1ClientTest() : exchange_(*loop_), scope_(*loop_), tasks_(*loop_) { reconnect(); }

  ~H1ClientTest() override {
    stream_.reset();
    close_connection();
  }

  void stream_released(H1ClientConnection& connection) override {
    EXPECT_EQ(&connection, connection_.get());
    ++released_;
  }

  void close_connection() {
    if (connection_) {
      run(connection_->close());
      connection_.reset();
    }
  }

  void reconnect() {
    close_connection();
    const TcpPair pair;
    connection_ = std::make_unique<H1ClientConnection>(
        std::make_unique<SocketTransport>(*loop_, pair.ours, seconds(30)), config_, "endpoint:80",
        *this);
    origin_ = std::make_unique<RawPeer>(*loop_, pair.theirs);
  }

  // Sends the exchange's request and starts to receive the answer into seen_.
  void request(bool body = false) {
    seen_ = {};
    stream_ = connection_->open_stream();
    ASSERT_TRUE(stream_->send(exchange_, body).has_value());
    tasks_.spawn(receive(*stream_, scope_, seen_));
  }

  bool wait_over() {
    return run_until(*loop_, [&] { return seen_.over && tasks_.live() == 0; });
  }

  H1ClientConfig config_;
  BareExchange exchange_;
  CancelScope scope_;
  TaskGroup tasks_;
  std::unique_ptr<H1ClientConnection> connection_;
  std::unique_ptr<RawPeer> origin_;
  UpstreamStreamPtr stream_;
  Seen seen_;
  int released_ = 0;
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(H1ClientTest, SendsACanonicalRequestAndReusesTheConnection) {
  exchange_.request.fields.add("accept", "*/*");
  request();
  ASSERT_TRUE(origin_->wait_for("\r\n\r\n"));
  EXPECT_EQ(origin_->received(),
            "GET /r HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nX-Request-Id: abc_1\r\n\r\n");
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
  EXPECT_EQ(seen_.status, 200);
  EXPECT_EQ(seen_.body, "ok");
  EXPECT_TRUE(seen_.complete);
  stream_.reset();
  EXPECT_EQ(released_, 1);
  ASSERT_TRUE(connection_->reusable());
  origin_->forget();
  request();
  ASSERT_TRUE(origin_->wait_for("\r\n\r\n"));
  origin_->send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
  ASSERT_TRUE(wait_over());
  EXPECT_EQ(seen_.body, "abc");
  EXPECT_EQ(stream_->response_body().trailers().get("x-t"), "1");
  stream_.reset();
  EXPECT_TRUE(connection_->reusable());
  EXPECT_EQ(connection_->requests(), 2U);
}

TEST_F(H1ClientTest, AnHttp10RequestWithoutHostNamesTheEndpoint) {
  exchange_.request.authority = {};
  request();
  ASSERT_TRUE(origin_->wait_for("Host: endpoint:80\r\n"));
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
}

TEST_F(H1ClientTest, ABodyOfUnknownLengthIsChunked) {
  exchange_.request.set_method(Method::post);
  request(true);
  stream_->request_body().write(copy_to_slice(loop_->buffers(), "hello"));
  stream_->request_body().finish();
  ASSERT_TRUE(origin_->wait_for("5\r\nhello\r\n0\r\n\r\n"));
  EXPECT_TRUE(origin_->received().contains("Transfer-Encoding: chunked\r\n"));
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
  stream_.reset();
  EXPECT_TRUE(connection_->reusable());
}

TEST_F(H1ClientTest, ADeclaredBodyKeepsItsLength) {
  exchange_.request.set_method(Method::post);
  exchange_.request.content_length = 5;
  request(true);
  stream_->request_body().write(copy_to_slice(loop_->buffers(), "hello"));
  stream_->request_body().finish();
  ASSERT_TRUE(origin_->wait_for("\r\n\r\nhello"));
  EXPECT_TRUE(origin_->received().contains("Content-Length: 5\r\n"));
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
}

TEST_F(H1ClientTest, APostWithoutBodySaysSo) {
  exchange_.request.set_method(Method::post);
  request();
  ASSERT_TRUE(origin_->wait_for("Content-Length: 0\r\n"));
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
}

TEST_F(H1ClientTest, ABodyShorterThanDeclaredIsNeverCompleted) {
  exchange_.request.set_method(Method::post);
  exchange_.request.content_length = 5;
  request(true);
  stream_->request_body().write(copy_to_slice(loop_->buffers(), "hell"));
  stream_->request_body().finish();
  EXPECT_TRUE(stream_->request_body().broken().has_value());
  ASSERT_TRUE(origin_->wait_for("hell"));
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
  stream_.reset();
  EXPECT_FALSE(connection_->reusable());
}

TEST_F(H1ClientTest, AnEarlyAnswerEndsTheUpload) {
  exchange_.request.set_method(Method::post);
  request(true);
  stream_->request_body().write(copy_to_slice(loop_->buffers(), "first"));
  ASSERT_TRUE(origin_->wait_for("first"));
  origin_->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  ASSERT_TRUE(wait_over());
  EXPECT_EQ(seen_.body, "ok");
  ASSERT_TRUE(stream_->request_body().broken().has_value());
  EXPECT_EQ(stream_->request_body().broken()->code, ErrorCode::cancelled);
  stream_.reset();
  EXPECT_FALSE(connection_->reusable());
}

TEST_F(H1ClientTest, AConnectionClosedWhileIdleIsNotReusable) {
  request();
  origin_->send(kOk);
  ASSERT_TRUE(wait_over());
  stream_.reset();
  EXPECT_TRUE(connection_->reusable());
  origin_->close();
  ASSERT_TRUE(run_until(*loop_, [&] { return !connection_->reusable(); }));
}

TEST_F(H1ClientTest, AConnectionThatDiesBeforeTheAnswerIsClosedOrReset) {
  request();
  ASSERT_TRUE(origin_->wait_for("\r\n\r\n"));
  origin_->reset();
  ASSERT_TRUE(wait_over());
  EXPECT_EQ(seen_.head_error, "reset");
  EXPECT_FALSE(stream_->take_back()) << "the endpoint may have run it";
  stream_.reset();
  EXPECT_FALSE(connection_->reusable());
}

TEST_F(H1ClientTest, AStreamLetGoHalfwayLeavesNothingReusable) {
  request();
  origin_->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
  ASSERT_TRUE(run_until(*loop_, [&] { return seen_.body == "some"; }));
  scope_.cancel();
  ASSERT_TRUE(wait_over());
  stream_.reset();
  EXPECT_FALSE(connection_->reusable());
}

TEST_F(H1ClientTest, NothingSentCanBeTakenBack) {
  stream_ = connection_->open_stream();
  EXPECT_TRUE(stream_->take_back());
}

TEST_F(H1ClientTest, AWebSocketUpgradeBecomesATunnel) {
  exchange_.request.websocket = true;
  exchange_.request.fields.add(HeaderId::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  request();
  ASSERT_TRUE(origin_->wait_for("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  origin_->send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "\r\nhello");
  ASSERT_TRUE(run_until(*loop_, [&] { return seen_.body == "hello"; }));
  EXPECT_EQ(seen_.status, 101);
  stream_->request_body().write(copy_to_slice(loop_->buffers(), "raw bytes"));
  ASSERT_TRUE(origin_->wait_for("raw bytes"));
  origin_->close();
  ASSERT_TRUE(wait_over());
  EXPECT_TRUE(seen_.complete);
  stream_.reset();
  EXPECT_FALSE(connection_->reusable());
}

// What must come of each case of the list that an endpoint's bytes can show; see its `expect`.
struct Expected {
  int status = 0;          // 0: an error instead of a head
  const char* error = "";  // code of the error, in head or body
  const char* body = "";
  bool complete = false;
  bool reusable = false;
};

const std::map<std::string, Expected>& expectations() {
  static const std::map<std::string, Expected> table = {
      {"plain", {200, "", "ok", true, true}},
      {"extra-after-cl", {200, "", "ok", true, false}},
      {"cl-te", {0, "malformed", "", false, false}},
      {"two-cl", {0, "malformed", "", false, false}},
      {"cl-bad", {0, "malformed", "", false, false}},
      {"te-unknown", {0, "malformed", "", false, false}},
      {"close-delimited", {200, "", "ok", true, false}},
      {"http10", {200, "", "ok", true, false}},
      {"truncated-cl", {200, "closed", "ok", false, false}},
      {"truncated-chunk", {200, "closed", "hel", false, false}},
      {"chunk-lf", {200, "malformed", "", false, false}},
      {"204-body", {204, "", "", true, false}},
      {"304-cl", {304, "", "", true, true}},
      {"head-body", {200, "", "", true, false}},
      {"1xx-many", {200, "", "ok", true, true}},
      {"1xx-flood", {0, "malformed", "", false, false}},
      {"101-unasked", {0, "malformed", "", false, false}},
      {"early-final", {200, "", "ok", true, false}},
      {"header-40k", {0, "malformed", "", false, false}},
      {"headers-1000", {0, "malformed", "", false, false}},
      {"lf-header", {0, "malformed", "", false, false}},
      {"nul-header", {0, "malformed", "", false, false}},
      {"obs-fold", {0, "malformed", "", false, false}},
      {"status-bad", {0, "malformed", "", false, false}},
      {"status-4digit", {0, "malformed", "", false, false}},
      {"no-reason", {200, "", "ok", true, true}},
      {"garbage", {0, "malformed", "", false, false}},
      {"empty-close", {0, "closed", "", false, false}},
      {"hop-by-hop", {200, "", "ok", true, true}},
      {"set-cookie-many", {200, "", "ok", true, true}},
  };
  return table;
}

// "{{repeat N}}" at the end repeats the last line (or, where that is empty, the whole), N times.
std::string origin_bytes(const Json& test_case) {
  std::string text = to_latin1(expand_repeats(test_case.at("origin_sends").text));
  const std::size_t at = text.find("{{repeat ");
  if (at == std::string::npos) {
    return text;
  }
  const int count = std::stoi(text.substr(at + 9));
  text.erase(at);
  std::size_t from = text.rfind("\r\n", text.size() - 3);
  from = text.ends_with("\r\n\r\n") ? 0 : from + 2;
  const std::string unit = text.substr(from);
  for (int i = 1; i < count; ++i) {
    text += unit;
  }
  return from == 0 ? text : text + "\r\n";
}

TEST_F(H1ClientTest, EveryResponseOfTheListComesToWhatItSays) {
  const Json list = read_json_file("tests/cases/upstream-responses.json");
  std::size_t replayed = 0;
  for (const Json& test_case : list.items) {
    const std::string name = to_utf8(test_case.at("name").text);
    SCOPED_TRACE(name);
    if (name == "slow-header" || name == "never") {
      continue;  // the proxy's response-header timeout, which a client does not have
    }
    ASSERT_TRUE(expectations().contains(name));
    const Expected& expected = expectations().at(name);
    const std::string bytes = origin_bytes(test_case);
    for (const bool single_bytes : {false, true}) {
      if (single_bytes && bytes.size() > 400) {
        continue;
      }
      reconnect();
      exchange_.request.set_method(name == "head-body" ? Method::head : Method::get);
      request();
      ASSERT_TRUE(origin_->wait_for("\r\n\r\n"));
      for (std::size_t at = 0; at < bytes.size(); at += single_bytes ? 1 : bytes.size()) {
        origin_->send(std::string_view(bytes).substr(at, single_bytes ? 1 : bytes.size()));
        loop_->run_once(loop_->read_clock());
      }
      if (expected.reusable) {
        // A reusable connection must be one on which the response ended by itself.
        ASSERT_TRUE(wait_over());
      } else {
        origin_->half_close();
        ASSERT_TRUE(wait_over());
      }
      EXPECT_EQ(seen_.status, expected.status) << seen_.detail;
      EXPECT_EQ(seen_.body, expected.body);
      EXPECT_EQ(seen_.complete, expected.complete);
      EXPECT_EQ(expected.status == 0 ? seen_.head_error : seen_.body_error, expected.error)
          << seen_.detail;
      stream_.reset();
      if (name == "hop-by-hop") {
        EXPECT_TRUE(seen_.fields.empty()) << seen_.fields.front();
      }
      if (name == "set-cookie-many") {
        EXPECT_EQ(seen_.fields, (std::vector<std::string>{"Set-Cookie: a=1", "Set-Cookie: b=2"}));
      }
      if (name == "1xx-many") {
        EXPECT_EQ(seen_.interim, 3);
      }
      if (name == "1xx-flood") {
        EXPECT_EQ(seen_.interim, 16);
      }
      EXPECT_EQ(connection_->reusable(), expected.reusable);
      ++replayed;
    }
  }
  EXPECT_GE(replayed, 50U);
}

}  // namespace
}  // namespace sk::test
