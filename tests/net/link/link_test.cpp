// Both ends of a link on one loop over a real socket pair: what one side says, the other must hear,
// whatever is stalled, cancelled or broken beside it.
#include "net/io/stage_wait.h"
#include "net/link/link_client.h"
#include "net/link/link_server.h"

#include "tests/support/client_request.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>

namespace sk {
namespace {

using std::chrono::milliseconds;
using Handler = std::function<Task<void>(Exchange&)>;

class TestHandler : public ExchangeHandler {
 public:
  std::map<std::string, Handler, std::less<>> routes;
  int started = 0;
  int completions = 0;

  Task<void> handle(Exchange& exchange) override {
    ++started;
    const auto route = routes.find(exchange.request.path);
    if (route != routes.end()) {
      co_await route->second(exchange);
    }
  }
  void completed(Exchange&) override { ++completions; }
  void rejected(const Rejection&) override {}
};

Task<void> answer(Exchange& exchange, std::string body) {
  ResponseHead head;
  head.status = 200;
  head.content_length = body.size();
  head.fields.add(HeaderId::content_type, "text/plain");
  const Result<void> sent = exchange.respond(head, !body.empty());
  EXPECT_TRUE(sent.has_value());
  if (!body.empty()) {
    exchange.response_body().write(copy_to_slice(exchange.loop().buffers(), body));
    exchange.response_body().finish();
  }
  co_return;
}

struct Answer {
  std::uint16_t status = 0;
  std::string body;
  std::optional<ErrorCode> error;
};

Task<void> collect(UpstreamStream& stream, CancelScope& scope, Answer& answer) {
  const Result<ResponseHead*> head = co_await stream.head(scope);
  if (!head) {
    answer.error = head.error().code;
    co_return;
  }
  answer.status = (*head)->status;
  while (stream.has_response_body()) {
    const Result<Slice> bytes = co_await stream.response_body().read(scope);
    if (!bytes) {
      answer.error = bytes.error().code;
      co_return;
    }
    if (bytes->empty()) {
      co_return;
    }
    answer.body.append(bytes->view());
  }
}

class LinkTest : public test::LoopTest, public LinkObserver {
 protected:
  LinkTest() {
    int fds[2];
    SK_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    Result<LinkPage> page = LinkPage::create(limits_.slots);
    SK_ASSERT(page.has_value());
    Result<LinkPage> theirs = LinkPage::map(::dup(page->fd()), limits_.slots);
    SK_ASSERT(theirs.has_value());
    client_ = std::make_unique<LinkClient>(*loop_, fds[0], std::move(*page), limits_, 7, in_flight_,
                                           *this);
    server_ = std::make_unique<LinkServer>(*loop_, fds[1], std::move(*theirs), limits_,
                                           LinkServerConfig{9, {"/", "/items/:id"}}, handler_);
    group_.spawn(run_client());
    group_.spawn(run_server());
    EXPECT_TRUE(test::run_until(*loop_, [this] { return ready_; }));
  }
  ~LinkTest() override {
    scope_.cancel();
    EXPECT_TRUE(test::run_until(*loop_, [this] { return group_.live() == 0; }));
    EXPECT_EQ(in_flight_.load(), 0U);
    client_.reset();
    server_.reset();
  }

  void link_ready(LinkClient&) override { ready_ = true; }
  void link_draining(LinkClient&) override { draining_ = true; }

  Task<void> run_client() { client_end_ = co_await client_->run(scope_); }
  Task<void> run_server() { server_end_ = co_await server_->run(scope_); }

  // Sends a request without a body; the stream.
  UpstreamStreamPtr get(test::ClientRequest& request, bool body = false) {
    UpstreamStreamPtr stream = client_->open();
    SK_ASSERT(stream != nullptr);
    const Result<void> sent = stream->send(request, body);
    SK_ASSERT(sent.has_value());
    return stream;
  }
  bool settle(const std::function<bool()>& done) { return test::run_until(*loop_, done); }

  static constexpr LinkLimits limits() {
    LinkLimits limits;
    limits.slots = 8;
    return limits;
  }

  LinkLimits limits_ = limits();
  TestHandler handler_;
  std::atomic<std::uint32_t> in_flight_{0};
  CancelScope scope_{*loop_};
  TaskGroup group_{*loop_};
  std::unique_ptr<LinkClient> client_;
  std::unique_ptr<LinkServer> server_;
  std::optional<Error> client_end_;
  std::optional<Error> server_end_;
  bool ready_ = false;
  bool draining_ = false;
};

TEST_F(LinkTest, RequestAndResponseArriveWhole) {
  handler_.routes["/hello"] = [](Exchange& x) {
    EXPECT_EQ(x.request.method, Method::get);
    EXPECT_EQ(x.request.authority, "example.com");
    EXPECT_EQ(x.request.query, "a=1");
    EXPECT_EQ(x.request.fields.get("X-Custom"), "yes");
    EXPECT_EQ(x.request.fields.get(HeaderId::accept), "*/*");
    EXPECT_EQ(x.id.view(), "abc_1");
    EXPECT_EQ(x.remote.address, "203.0.113.9");
    EXPECT_EQ(x.remote.port, 4711);
    EXPECT_TRUE(x.remote.tls);
    x.route_index = 1;
    return answer(x, "hi there");
  };
  test::ClientRequest request(*loop_, "/hello");
  request.request.query = "a=1";
  request.request.has_query = true;
  request.request.fields.add("X-Custom", "yes");
  request.request.fields.add(HeaderId::accept, "*/*");
  Answer got;
  UpstreamStreamPtr stream = get(request);
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hi there");
  EXPECT_FALSE(got.error.has_value());
  EXPECT_EQ(stream->route_pattern(), "/items/:id");
  stream.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
  EXPECT_EQ(handler_.completions, 1);
}

Task<void> wait_for_a_database(Exchange& exchange, Event& answered) {
  {
    const StageWait waiting(exchange.scope(), Stage::pg);
    const Result<void> waited = co_await answered.wait(exchange.scope());
    EXPECT_TRUE(waited.has_value());
  }
  co_await answer(exchange, "rows");
}

TEST_F(LinkTest, TheWorkerNotesWhereTheTimeGoesWhileItGoes) {
  Event answered(*loop_);
  handler_.routes["/"] = [&](Exchange& x) { return wait_for_a_database(x, answered); };
  test::ClientRequest request(*loop_, "/");
  const Instant received = loop_->read_clock();
  request.stages.mark(Step::received, received);
  request.time_stages(Stage::upstream, received);
  UpstreamStreamPtr stream = get(request);
  EXPECT_EQ(stream->worker_stages()->present, Stage::worker_wait);
  ASSERT_TRUE(settle([&] { return answered.has_waiter(); }));
  const std::optional<WorkerStages> during = stream->worker_stages();
  ASSERT_TRUE(during.has_value());
  EXPECT_EQ(during->present, Stage::pg);
  EXPECT_GE(during->entered, received);
  EXPECT_EQ(during->times[Stage::pg], Duration::zero());

  const Instant enough = after(loop_->read_clock(), milliseconds(5));
  ASSERT_TRUE(settle([&] { return loop_->read_clock() >= enough; }));
  answered.set();
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.body, "rows");
  const std::optional<WorkerStages> afterwards = stream->worker_stages();
  EXPECT_EQ(afterwards->present, std::nullopt);
  EXPECT_GE(afterwards->times[Stage::pg], milliseconds(4));
  stream.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
}

TEST_F(LinkTest, StagesThatNobodyAskedForAreNotNoted) {
  handler_.routes["/"] = [](Exchange& x) {
    EXPECT_FALSE(x.stages.clock.running());
    return answer(x, "x");
  };
  test::ClientRequest request(*loop_, "/");
  UpstreamStreamPtr stream = get(request);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(stream->worker_stages()->present, Stage::handler) << "it was started: no more is known";
  EXPECT_EQ(stream->worker_stages()->entered, kNever);
}

TEST_F(LinkTest, TheWorkerKnowsWhenTheBalancerHadTheRequest) {
  const Instant received = loop_->now() - milliseconds(40);
  Instant seen;
  Instant limit;
  handler_.routes["/"] = [&](Exchange& x) {
    seen = x.stages.at(Step::received);
    limit = x.deadline();
    return answer(x, "x");
  };
  test::ClientRequest request(*loop_, "/");
  request.stages.mark(Step::received, received);
  request.set_deadline(received + std::chrono::seconds(60));
  UpstreamStreamPtr stream = get(request);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(seen, received);
  EXPECT_EQ(limit, received + std::chrono::seconds(60));
}

// The handler neither reads nor stops the body that is still on its way when it has answered.
TEST_F(LinkTest, AnAnswerBeforeTheBodyIsOverIsTheWorkersLastWord) {
  handler_.routes["/with"] = [](Exchange& x) { return answer(x, "enough"); };
  handler_.routes["/without"] = [](Exchange& x) { return answer(x, ""); };
  for (const char* path : {"/with", "/without", "/with"}) {
    test::ClientRequest request(*loop_, path, Method::post);
    UpstreamStreamPtr stream = get(request, true);
    stream->request_body().write(copy_to_slice(loop_->buffers(), "a piece, and more to come"));
    Answer got;
    run(collect(*stream, scope_, got));
    EXPECT_EQ(got.status, 200) << path;
    stream.reset();
    EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
    EXPECT_FALSE(client_end_.has_value()) << path << ": " << client_end_->detail;
  }
}

TEST_F(LinkTest, SlotsAreReusedAndBounded) {
  handler_.routes["/"] = [](Exchange& x) { return answer(x, "x"); };
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<test::ClientRequest>> requests;
    std::vector<UpstreamStreamPtr> streams;
    std::vector<Answer> answers(limits_.slots);
    for (std::uint32_t i = 0; i < limits_.slots; ++i) {
      requests.push_back(std::make_unique<test::ClientRequest>(*loop_, "/"));
      streams.push_back(get(*requests.back()));
    }
    EXPECT_EQ(client_->open(), nullptr);
    for (std::uint32_t i = 0; i < limits_.slots; ++i) {
      run(collect(*streams[i], scope_, answers[i]));
      EXPECT_EQ(answers[i].body, "x");
    }
    streams.clear();
    ASSERT_TRUE(settle([&] { return in_flight_.load() == 0; }));
  }
}

Task<void> send_endless(Exchange& exchange, std::uint64_t total, std::uint64_t& written) {
  ResponseHead head;
  head.status = 200;
  const Result<void> sent = exchange.respond(head, true);
  EXPECT_TRUE(sent.has_value());
  const std::string block(16384, 'z');
  while (written < total) {
    const Result<void> room = co_await exchange.response_body().wait_writable(exchange.scope());
    if (!room) {
      co_return;
    }
    exchange.response_body().write(copy_to_slice(exchange.loop().buffers(), block));
    written += block.size();
  }
  exchange.response_body().finish();
}

TEST_F(LinkTest, StalledResponseStopsAtItsWindowAndDelaysNobody) {
  std::uint64_t written = 0;
  handler_.routes["/big"] = [&](Exchange& x) { return send_endless(x, 64 << 20, written); };
  handler_.routes["/small"] = [](Exchange& x) { return answer(x, "quick"); };
  test::ClientRequest big(*loop_, "/big");
  UpstreamStreamPtr stalled = get(big);
  EXPECT_TRUE(settle([&] { return stalled->try_head().has_value(); }));
  for (int i = 0; i < 100; ++i) {
    test::ClientRequest small(*loop_, "/small");
    UpstreamStreamPtr stream = get(small);
    Answer got;
    run(collect(*stream, scope_, got));
    EXPECT_EQ(got.body, "quick");
  }
  EXPECT_LE(written, 256U * 1024);
  // Once somebody reads, all of it comes, with a window that has grown.
  Answer rest;
  while (rest.body.size() < (4U << 20)) {
    std::optional<Result<Slice>> bytes;
    ASSERT_TRUE(settle([&] {
      bytes = stalled->response_body().try_read();
      return bytes.has_value();
    }));
    ASSERT_TRUE(bytes->has_value());
    ASSERT_FALSE((*bytes)->empty());
    rest.body.append((*bytes)->view());
  }
  stalled.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
}

Task<void> echo_body(Exchange& exchange) {
  ResponseHead head;
  head.status = 200;
  const Result<void> sent = exchange.respond(head, true);
  EXPECT_TRUE(sent.has_value());
  const Result<void> moved = co_await pump(exchange.request_body(), exchange.response_body(),
                                           exchange.scope(), std::chrono::seconds(10));
  EXPECT_TRUE(moved.has_value());
}

Task<void> send_body(UpstreamStream& stream, CancelScope& scope, Loop& loop, std::string body) {
  for (std::size_t at = 0; at < body.size(); at += 10'000) {
    const Result<void> room = co_await stream.request_body().wait_writable(scope);
    if (!room) {
      co_return;
    }
    stream.request_body().write(copy_to_slice(loop.buffers(), body.substr(at, 10'000)));
  }
  Fields trailers;
  trailers.add("X-Sum", "42");
  stream.request_body().finish(trailers);
}

TEST_F(LinkTest, BodiesOfBothDirectionsCarryMegabytesAndTrailers) {
  handler_.routes["/echo"] = [](Exchange& x) { return echo_body(x); };
  std::string body;
  for (int i = 0; body.size() < (3U << 20); ++i) {
    body.append(std::to_string(i)).append(",");
  }
  test::ClientRequest request(*loop_, "/echo", Method::post);
  UpstreamStreamPtr stream = get(request, true);
  group_.spawn(send_body(*stream, scope_, *loop_, body));
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.body.size(), body.size());
  EXPECT_EQ(got.body, body);
  EXPECT_EQ(stream->response_body().trailers().get("X-Sum"), "42");
}

TEST_F(LinkTest, HandlerThatFailsMidBodyTruncates) {
  handler_.routes["/fails"] = [](Exchange& x) -> Task<void> {
    ResponseHead head;
    head.status = 200;
    const Result<void> sent = x.respond(head, true);
    EXPECT_TRUE(sent.has_value());
    x.response_body().write(Slice::of_static("half"));
    return [](Exchange&) -> Task<void> {
      throw std::runtime_error("handler failed");
      co_return;
    }(x);
  };
  test::ClientRequest request(*loop_, "/fails");
  UpstreamStreamPtr stream = get(request);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.body, "half");
  EXPECT_EQ(got.error, ErrorCode::reset);
}

TEST_F(LinkTest, DeclaredLengthThatIsNotKeptResets) {
  handler_.routes["/short"] = [](Exchange& x) -> Task<void> {
    ResponseHead head;
    head.status = 200;
    head.content_length = 10;
    const Result<void> sent = x.respond(head, true);
    EXPECT_TRUE(sent.has_value());
    x.response_body().write(Slice::of_static("short"));
    x.response_body().finish();
    return {[]() -> Task<void> { co_return; }()};
  };
  test::ClientRequest request(*loop_, "/short");
  UpstreamStreamPtr stream = get(request);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.error, ErrorCode::reset);
  EXPECT_FALSE(client_end_.has_value());
}

TEST_F(LinkTest, SilentHandlerBecomesA500) {
  test::ClientRequest request(*loop_, "/nobody");
  UpstreamStreamPtr stream = get(request);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.status, 500);
}

TEST_F(LinkTest, RevokedRequestNeverRuns) {
  handler_.routes["/"] = [](Exchange& x) { return answer(x, "ran"); };
  test::ClientRequest request(*loop_, "/");
  UpstreamStreamPtr stream = get(request);  // queued: the loop has not turned yet
  EXPECT_TRUE(stream->take_back());
  stream.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
  EXPECT_EQ(handler_.started, 0);
  // And the link goes on.
  test::ClientRequest next(*loop_, "/");
  UpstreamStreamPtr again = get(next);
  Answer got;
  run(collect(*again, scope_, got));
  EXPECT_EQ(got.body, "ran");
}

Task<void> wait_for_cancel(Exchange& exchange, bool& cancelled) {
  const Result<void> slept =
      co_await Sleep(exchange.scope(), exchange.loop().now() + std::chrono::hours(1));
  cancelled = !slept.has_value();
}

TEST_F(LinkTest, StartedRequestCannotBeTakenBackAndReleaseCancelsIt) {
  bool cancelled = false;
  handler_.routes["/slow"] = [&](Exchange& x) { return wait_for_cancel(x, cancelled); };
  test::ClientRequest request(*loop_, "/slow");
  UpstreamStreamPtr stream = get(request);
  EXPECT_TRUE(settle([&] { return handler_.started == 1; }));
  EXPECT_FALSE(stream->take_back());
  EXPECT_EQ(in_flight_.load(), 1U);
  stream.reset();
  EXPECT_EQ(in_flight_.load(), 1U);  // until the worker has really ended it
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
  EXPECT_TRUE(cancelled);
}

TEST_F(LinkTest, DeadlineTravelsAndCancelsTheHandler) {
  bool cancelled = false;
  handler_.routes["/slow"] = [&](Exchange& x) { return wait_for_cancel(x, cancelled); };
  test::ClientRequest request(*loop_, "/slow");
  request.set_deadline(loop_->now() + milliseconds(20));
  UpstreamStreamPtr stream = get(request);
  EXPECT_TRUE(settle([&] { return cancelled; }));
}

TEST_F(LinkTest, EarlyResponseStopsTheRequestBody) {
  handler_.routes["/early"] = [](Exchange& x) { return answer(x, "no thanks"); };
  test::ClientRequest request(*loop_, "/early", Method::post);
  UpstreamStreamPtr stream = get(request, true);
  Answer got;
  run(collect(*stream, scope_, got));
  EXPECT_EQ(got.body, "no thanks");
  EXPECT_TRUE(settle([&] { return stream->request_body().broken().has_value(); }));
  EXPECT_EQ(stream->request_body().broken()->code, ErrorCode::cancelled);
  stream.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
  EXPECT_FALSE(client_end_.has_value()) << "the link goes on";
}

Task<void> shout_back(Exchange& exchange) {
  ResponseHead head;
  head.fields.add(HeaderId::sec_websocket_accept, "x");
  const Result<void> up = exchange.upgrade(head);
  EXPECT_TRUE(up.has_value());
  const Result<void> moved = co_await pump(exchange.request_body(), exchange.response_body(),
                                           exchange.scope(), std::chrono::seconds(10));
  EXPECT_TRUE(moved.has_value());
}

TEST_F(LinkTest, UpgradeTurnsBothBodiesIntoATunnel) {
  handler_.routes["/ws"] = [](Exchange& x) { return shout_back(x); };
  test::ClientRequest request(*loop_, "/ws");
  request.request.websocket = true;
  UpstreamStreamPtr stream = get(request);
  ASSERT_TRUE(settle([&] {
    const auto head = stream->try_head();
    return head.has_value() && head->has_value() && (**head)->status == 101;
  }));
  std::string back;
  for (const char* word : {"one ", "two ", "three"}) {
    stream->request_body().write(Slice::of_static(word));
  }
  const auto echoed = [&] {
    while (auto bytes = stream->response_body().try_read()) {
      EXPECT_TRUE(bytes->has_value());
      back.append((*bytes)->view());
      if ((*bytes)->empty()) {
        break;
      }
    }
    return back == "one two three";
  };
  EXPECT_TRUE(settle(echoed));
  stream->request_body().finish();
  stream.reset();
  EXPECT_TRUE(settle([&] { return in_flight_.load() == 0; }));
}

TEST_F(LinkTest, InformationalHeadsComeBeforeTheFinalOne) {
  handler_.routes["/hints"] = [](Exchange& x) {
    ResponseHead hints;
    hints.status = 103;
    hints.fields.add(HeaderId::link, "</style.css>; rel=preload");
    x.inform(hints);
    return answer(x, "done");
  };
  test::ClientRequest request(*loop_, "/hints");
  UpstreamStreamPtr stream = get(request);
  std::vector<int> statuses;
  EXPECT_TRUE(settle([&] {
    while (const auto head = stream->try_head()) {
      statuses.push_back((**head)->status);
    }
    return statuses.size() == 2;
  }));
  EXPECT_EQ(statuses, (std::vector<int>{103, 200}));
}

TEST_F(LinkTest, WorkerThatDrainsGetsNoNewStreams) {
  server_->drain();
  EXPECT_TRUE(settle([&] { return draining_; }));
  EXPECT_EQ(client_->open(), nullptr);
  EXPECT_FALSE(client_->ready());
}

TEST_F(LinkTest, EndOfTheLinkFailsOpenStreamsAndTellsWhatNeverStarted) {
  bool cancelled = false;
  handler_.routes["/slow"] = [&](Exchange& x) { return wait_for_cancel(x, cancelled); };
  test::ClientRequest started(*loop_, "/slow");
  UpstreamStreamPtr running = get(started);
  EXPECT_TRUE(settle([&] { return handler_.started == 1; }));
  test::ClientRequest unstarted(*loop_, "/slow", Method::post);
  UpstreamStreamPtr waiting = get(unstarted);
  scope_.cancel();
  Answer first;
  Answer second;
  CancelScope own(*loop_);
  run(collect(*running, own, first));
  run(collect(*waiting, own, second));
  EXPECT_EQ(first.error, ErrorCode::reset);
  EXPECT_EQ(second.error, ErrorCode::reset);
  EXPECT_FALSE(running->take_back());
  EXPECT_TRUE(waiting->take_back());
  EXPECT_EQ(client_->open(), nullptr);
  running.reset();
  waiting.reset();
}

TEST(LinkPageTest, ForeignMemoryIsRefused) {
  Result<LinkPage> page = LinkPage::create(8);
  ASSERT_TRUE(page.has_value());
  EXPECT_FALSE(LinkPage::map(::dup(page->fd()), 9).has_value());
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  EXPECT_FALSE(LinkPage::map(fds[0], 8).has_value());
  ::close(fds[1]);
}

TEST(LinkPageTest, FirstSwapWinsAndOldGenerationsLose) {
  Result<LinkPage> page = LinkPage::create(2);
  ASSERT_TRUE(page.has_value());
  const StreamId stream{1, 5};
  page->publish(stream);
  EXPECT_TRUE(page->try_start(stream));
  EXPECT_FALSE(page->try_revoke(stream));
  EXPECT_FALSE(page->try_start(stream));
  const StreamId next{1, 6};
  page->publish(next);
  EXPECT_FALSE(page->try_start(stream));
  EXPECT_TRUE(page->try_revoke(next));
  EXPECT_FALSE(page->try_start(next));
}

}  // namespace
}  // namespace sk
