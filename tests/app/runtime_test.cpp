// What the runtime answers, without a connection: handlers of all kinds, and everything that can go
// wrong around them.
#include "net/io/stage_wait.h"

#include "app/app.h"
#include "app/health.h"
#include "app/runtime.h"

#include "tests/app/memory_exchange.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sk::app {
namespace runtime_test {

struct Point {
  int x = 0;
  int y = 0;
};
SK_FIELDS(Point, x, y)
SK_RULES(Point, (x, range(0, 9)))

struct Paging {
  std::optional<std::int32_t> limit;
};
SK_FIELDS(Paging, limit)
SK_RULES(Paging, (limit, range(1, 3)))

using test::MemoryExchange;

class RuntimeTest : public sk::test::LoopTest {
 protected:
  RuntimeTest()
      : services_{.config = config_,
                  .loop = *loop_,
                  .log = nullptr,
                  .pg = nullptr,
                  .redis = nullptr,
                  .cache = nullptr,
                  .json_reader = {}},
        scope_(*loop_),
        exchange_(*loop_, scope_) {
    config_.body_limit_bytes = 100;
  }

  void serve(Method method, std::string_view target) {
    ASSERT_TRUE(routes_.mistakes().empty()) << routes_.mistakes()[0];
    exchange_.ask(method, target);
    Runtime runtime(routes_, services_, Role::worker);
    run(runtime.handle(exchange_));
    counters_ = runtime.counters();
  }

  const std::string& body() const { return exchange_.out.text_; }
  bool has_field(std::string_view line) const {
    return exchange_.fields.find(std::string(line) + "\n") != std::string::npos;
  }

  Config config_;
  Routes routes_;
  Services services_;
  CancelScope scope_;
  MemoryExchange exchange_;
  Runtime::Counters counters_;
};

TEST_F(RuntimeTest, PlainCallablesAnswerWithValuesAndResponses) {
  routes_.add(Method::get, "/points/:x/:y", [](Path<int> x, Path<int> y) { return Point{*x, *y}; });
  serve(Method::get, "/points/3/-4");
  EXPECT_EQ(exchange_.status(), 200);
  EXPECT_EQ(body(), R"({"x":3,"y":-4})");
  EXPECT_EQ(exchange_.declared, 14U);
  EXPECT_TRUE(exchange_.out.finished_);
  EXPECT_TRUE(has_field("Content-Type: application/json"));
  EXPECT_EQ(exchange_.route_pattern, "/points/:x/:y");
  EXPECT_EQ(exchange_.route_index, 0);
}

TEST_F(RuntimeTest, HeadHasTheHeadOfGetAndNoBody) {
  routes_.add(Method::get, "/", [] { return text(200, "hello"); });
  serve(Method::head, "/");
  EXPECT_EQ(exchange_.declared, 5U);
  EXPECT_FALSE(exchange_.body_follows);
  EXPECT_EQ(body(), "");
}

TEST_F(RuntimeTest, CoroutinesMayWait) {
  routes_.add(Method::get, "/", [](Context& c) -> Task<Response> {
    Sleep pause(c.scope(), after(c.exchange().loop().now(), std::chrono::milliseconds(1)));
    const Result<void> slept = co_await pause;
    co_return text(200, slept ? "slept" : "interrupted");
  });
  serve(Method::get, "/");
  EXPECT_EQ(body(), "slept");
}

TEST_F(RuntimeTest, UnknownPathsAndMethodsAreProblems) {
  routes_.add(Method::post, "/a", [] { return Response(204); });
  serve(Method::get, "/b");
  EXPECT_EQ(exchange_.status(), 404);
  EXPECT_EQ(body(), R"({"type":"about:blank","title":"Not Found","status":404,)"
                    R"("detail":"There is nothing at this path.","instance":"/b"})");
  EXPECT_TRUE(has_field("Content-Type: application/problem+json"));
}

TEST_F(RuntimeTest, AWrongMethodNamesTheRightOnes) {
  routes_.add(Method::post, "/a", [] { return Response(204); });
  serve(Method::get, "/a");
  EXPECT_EQ(exchange_.status(), 405);
  EXPECT_TRUE(has_field("Allow: POST"));
}

TEST_F(RuntimeTest, ABodyIsReadAndChecked) {
  routes_.add(Method::post, "/", [](Body<Point> point) { return json(201, *point); });
  exchange_.send(R"({"x":1,)");
  exchange_.in.pieces_.push_back(R"("y":2})");
  exchange_.request.content_length.reset();
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 201);
  EXPECT_EQ(body(), R"({"x":1,"y":2})");
}

TEST_F(RuntimeTest, AWrongBodyNamesFieldAndPosition) {
  routes_.add(Method::post, "/", [](Body<Point> point) { return json(201, *point); });
  exchange_.send(R"({"x":10,"y":"2"})");
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 422);
  EXPECT_NE(body().find(R"({"field":"y","in":"body","position":12,"line":1,"column":13,)"
                        R"("message":"must be a whole number, not a string"})"),
            std::string::npos)
      << body();
  EXPECT_NE(body().find(R"("message":"must be between 0 and 9, is 10")"), std::string::npos)
      << body();
}

TEST_F(RuntimeTest, MalformedJsonIs400) {
  routes_.add(Method::post, "/", [](Body<Point> point) { return json(201, *point); });
  exchange_.send(R"({"x":1 "y":2})");
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 400);
  EXPECT_NE(body().find(R"("field":"x","in":"body","position":7)"), std::string::npos) << body();
}

TEST_F(RuntimeTest, AnotherMediaTypeIs415) {
  routes_.add(Method::post, "/", [](Body<Point> point) { return json(201, *point); });
  exchange_.send("<x/>");
  exchange_.request.fields.add(HeaderId::content_type, "application/xml");
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 415);
}

TEST_F(RuntimeTest, ADeclaredBodyBeyondTheLimitIsNotRead) {
  routes_.add(Method::post, "/", [](RawBody raw) { return text(200, std::string(*raw)); });
  exchange_.send(std::string(101, 'x'));
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 413);
  EXPECT_TRUE(exchange_.in.stopped_);
  EXPECT_EQ(exchange_.in.pieces_.size(), 1U);
}

TEST_F(RuntimeTest, AnUndeclaredBodyIsCutOffAtTheLimit) {
  routes_.add(Method::post, "/", [](RawBody raw) { return text(200, std::string(*raw)); });
  exchange_.send(std::string(60, 'x'));
  exchange_.in.pieces_.push_back(std::string(60, 'x'));
  exchange_.request.content_length.reset();
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 413);
  EXPECT_TRUE(exchange_.in.stopped_);
}

TEST_F(RuntimeTest, BodiesBeyondTheMemoryForThemGet503AndAreNotRead) {
  routes_.add(Method::post, "/", [](RawBody raw) { return text(200, std::string(*raw)); });
  config_.bodies_max_bytes = 50;
  exchange_.send(std::string(51, 'x'));
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 503);
  EXPECT_TRUE(has_field("Retry-After: 1")) << exchange_.fields;
  EXPECT_TRUE(exchange_.in.stopped_);
  EXPECT_EQ(exchange_.in.pieces_.size(), 1U);
}

TEST_F(RuntimeTest, AnUndeclaredBodyIsCutOffWhereTheMemoryForBodiesEnds) {
  routes_.add(Method::post, "/", [](RawBody raw) { return text(200, std::string(*raw)); });
  config_.bodies_max_bytes = 50;
  exchange_.send(std::string(30, 'x'));
  exchange_.in.pieces_.push_back(std::string(30, 'x'));
  exchange_.request.content_length.reset();
  serve(Method::post, "/");
  EXPECT_EQ(exchange_.status(), 503);
}

TEST_F(RuntimeTest, AWrongPathParameterNamesItsPlace) {
  routes_.add(Method::get, "/points/:id", [](Path<std::int64_t> id) { return json(*id); });
  serve(Method::get, "/points/abc");
  EXPECT_EQ(exchange_.status(), 422);
  EXPECT_NE(
      body().find(R"("field":"id","in":"path","position":8,"message":"must be a whole number")"),
      std::string::npos)
      << body();
}

TEST_F(RuntimeTest, QueryAndHeadersAreExtracted) {
  routes_.add(Method::get, "/",
              [](Query<Paging> paging, Header<"X-Size", int> size, Header<"If-Match"> match) {
                return text(200, std::to_string(*paging->limit) + std::to_string(**size) + **match);
              });
  exchange_.request.fields.add("X-Size", "7");
  exchange_.request.fields.add(HeaderId::if_match, "\"3\"");
  serve(Method::get, "/?limit=2");
  EXPECT_EQ(body(), "27\"3\"");
}

TEST_F(RuntimeTest, AWrongQueryIs422) {
  routes_.add(Method::get, "/p", [](Query<Paging> paging) { return json(*paging); });
  serve(Method::get, "/p?limit=9");
  EXPECT_EQ(exchange_.status(), 422);
  EXPECT_NE(body().find(R"("field":"limit","in":"query","position":9)"), std::string::npos)
      << body();
}

TEST_F(RuntimeTest, ThrownProblemsAreAnswers) {
  routes_.add(Method::get, "/", [](Context&) -> Task<Response> {
    throw HttpError(403, "Not yours.");
    co_return Response(200);
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 403);
  EXPECT_EQ(counters_.handler_failures, 0U);
}

TEST_F(RuntimeTest, UnexpectedExceptionsAre500WithoutTheirText) {
  routes_.add(Method::get, "/", [](Context&) -> Response { throw std::runtime_error("secret"); });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 500);
  EXPECT_EQ(body().find("secret"), std::string::npos);
  EXPECT_EQ(counters_.handler_failures, 1U);
}

TEST_F(RuntimeTest, AMissingDatabaseIs503WithRetryAfter) {
  routes_.add(Method::get, "/", [](Context& c) -> Task<Response> {
    pg::Result<std::int64_t> one = co_await c.pg().one<std::int64_t>("select 1");
    co_return json(take(std::move(one)));
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 503);
  EXPECT_TRUE(has_field("Retry-After: 1"));
  EXPECT_TRUE(has_field("Content-Type: application/problem+json"));
}

TEST_F(RuntimeTest, ADeadlineThatPassesIs504) {
  routes_.add(Method::get, "/", [](Context& c) -> Task<Response> {
    c.deadline(std::chrono::milliseconds(1));
    Sleep pause(c.scope(), kNever);
    const Result<void> slept = co_await pause;
    if (!slept) {
      throw ServiceError(slept.error(), "gave up");
    }
    co_return Response(200);
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 504);
  EXPECT_TRUE(body().contains(R"(,"route":"/","deadline_ms":)")) << body();
  EXPECT_TRUE(body().contains(R"(,"spent_ms":)")) << body();
  EXPECT_TRUE(body().contains(R"(,"stage":"handler")")) << body();
}

Task<Result<void>> wait_as_redis_would(CancelScope& scope) {
  const StageWait waiting(scope, Stage::redis);
  Sleep pause(scope, kNever);
  const Result<void> done = co_await pause;
  co_return done;
}

TEST_F(RuntimeTest, ADeadlineNamesTheStageThatItFound) {
  routes_.add(Method::get, "/", [](Context& c) -> Task<Response> {
    c.deadline(std::chrono::milliseconds(1));
    const Result<void> slept = co_await wait_as_redis_would(c.scope());
    if (!slept) {
      throw ServiceError(slept.error(), "gave up");
    }
    co_return Response(200);
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 504);
  EXPECT_TRUE(body().contains(R"(,"stage":"redis")")) << body();
}

TEST_F(RuntimeTest, AStreamThatEndsWellIsFinished) {
  routes_.add(Method::get, "/", [] {
    return stream("text/plain", [](ResponseStream& out) -> Task<Result<void>> {
      Result<void> written = co_await out.write("hello ");
      if (written) {
        written = co_await out.write_static("world");
      }
      co_return written;
    });
  });
  serve(Method::get, "/");
  EXPECT_EQ(body(), "hello world");
  EXPECT_TRUE(exchange_.out.finished_);
  EXPECT_FALSE(exchange_.declared.has_value());
}

TEST_F(RuntimeTest, AStreamThatFailsMidBodyIsResetNotFinished) {
  routes_.add(Method::get, "/", [] {
    return stream("text/plain", [](ResponseStream& out) -> Task<Result<void>> {
      static_cast<void>(co_await out.write("half"));
      throw std::runtime_error("broke");
    });
  });
  serve(Method::get, "/");
  EXPECT_EQ(body(), "half");
  EXPECT_FALSE(exchange_.out.finished_);
  EXPECT_EQ(exchange_.out.reset_, ErrorCode::internal);
  EXPECT_EQ(counters_.truncated, 1U);
}

TEST_F(RuntimeTest, AStreamWhoseClientIsGoneEnds) {
  exchange_.out.broken_ = Error{ErrorCode::reset, ErrorOrigin::downstream, 0, "gone"};
  routes_.add(Method::get, "/", [] {
    return stream("text/plain", [](ResponseStream& out) -> Task<Result<void>> {
      while (true) {
        const Result<void> written = co_await out.write("more");
        if (!written) {
          co_return written;
        }
      }
    });
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.out.reset_, ErrorCode::reset);
}

TEST_F(RuntimeTest, AHeadThatMayNotBeSentBecomesA500) {
  routes_.add(Method::get, "/", [] { return Response(200).header("X-A", "1\r\nX-B: 2"); });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.status(), 500);
  EXPECT_EQ(exchange_.fields.find("X-B"), std::string::npos);
}

TEST_F(RuntimeTest, AHandlersOwnFramingIsIgnored) {
  routes_.add(Method::get, "/", [] {
    return text(200, "abc").header(HeaderId::content_length, "9").header("Connection", "close");
  });
  serve(Method::get, "/");
  EXPECT_EQ(exchange_.declared, 3U);
  EXPECT_EQ(exchange_.fields.find("Content-Length"), std::string::npos);
  EXPECT_EQ(exchange_.fields.find("Connection"), std::string::npos);
}

TEST_F(RuntimeTest, HealthIsAnsweredWhereNoRouteHasItsPath) {
  serve(Method::get, "/healthz");
  EXPECT_EQ(exchange_.status(), 200);
  EXPECT_EQ(body(), R"({"status":"ok","postgres":"not configured","redis":"not configured"})");
}

TEST_F(RuntimeTest, AHandlerOfOnesOwnComesBeforeHealth) {
  routes_.add(Method::get, "/healthz", [] { return text(200, "mine"); });
  serve(Method::get, "/healthz");
  EXPECT_EQ(body(), "mine");
}

TEST(Health, AnOutageIsNoReasonToReplaceATaskButStoppingIs) {
  HealthReport report;
  report.postgres = {.state = "unreachable",
                     .configured = true,
                     .ready = false,
                     .has_answered = true,
                     .refused_for_long = false};
  EXPECT_TRUE(report.healthy());
  EXPECT_FALSE(report.ready());
  report.postgres.has_answered = false;
  EXPECT_FALSE(report.healthy());
  report.postgres = {.state = "password_refused",
                     .configured = true,
                     .ready = false,
                     .has_answered = true,
                     .refused_for_long = true};
  EXPECT_FALSE(report.healthy());
  EXPECT_EQ(answer_health("/livez", report)->status(), 200);
  HealthReport stopping;
  stopping.stopping = true;
  EXPECT_EQ(answer_health("/healthz", stopping)->status(), 503);
  EXPECT_EQ(answer_health("/readyz", stopping)->status(), 503);
  EXPECT_FALSE(answer_health("/", stopping).has_value());
}

TEST(Routes, AHandlerThatWantsMoreParametersThanItsPatternHasIsAMistake) {
  Routes routes;
  routes.add(Method::get, "/a/:x", [](Path<int>, Path<int>) { return Response(200); });
  ASSERT_EQ(routes.mistakes().size(), 1U);
  EXPECT_NE(routes.mistakes()[0].find("takes 2 Path parameters, the pattern has 1"),
            std::string::npos);
}

}  // namespace runtime_test
}  // namespace sk::app
