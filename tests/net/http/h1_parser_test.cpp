// What the case lists do not show: events, limits at their edge, llhttp's strictness, allocations.

#include "net/http/h1_parser.h"
#include "net/http/h1_serialiser.h"
#include "net/http/http_date.h"

#include "tests/net/http/case_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

namespace sk::test {
namespace {

constexpr std::string_view kGet =
    "GET /items/42?full=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";

struct RequestRun {
  explicit RequestRun(std::string_view input, const H1Limits& limits = {})
      : held(limits), parser(held) {
    parser.begin(head);
    step = parser.feed(input);
  }
  H1Limits held;
  RequestHead head;
  H1RequestParser parser;
  H1Step step;
};

TEST(H1Parser, LlhttpIsStrict) {
  const H1Limits limits;
  EXPECT_EQ(H1HeadReader(H1HeadReader::Kind::request, limits).lenient_flags(), 0);
  EXPECT_EQ(H1HeadReader(H1HeadReader::Kind::response, limits).lenient_flags(), 0);
}

TEST(H1Parser, DefaultsAreThoseOfTheEdgeProfile) {
  const Json file = read_json_file("tests/cases/limits.json");
  const Json& edge = file.at("edge");
  const H1Limits limits;
  const auto number = [&](const char* name) {
    return static_cast<std::uint64_t>(edge.at(name).number);
  };
  EXPECT_EQ(limits.request_line_bytes, number("request_line_bytes"));
  EXPECT_EQ(limits.header_field_bytes, number("header_field_bytes"));
  EXPECT_EQ(limits.header_total_bytes, number("header_total_bytes"));
  EXPECT_EQ(limits.header_fields, number("header_fields"));
  EXPECT_EQ(limits.method_bytes, number("method_bytes"));
  EXPECT_EQ(limits.authority_bytes, number("authority_bytes"));
  EXPECT_EQ(limits.leading_crlf_max, number("leading_crlf_max"));
  EXPECT_EQ(limits.body_bytes, number("body_bytes"));
  EXPECT_EQ(limits.chunk_size_hex_digits, number("chunk_size_hex_digits"));
  EXPECT_EQ(limits.chunk_ext_bytes, number("chunk_ext_bytes"));
  EXPECT_EQ(limits.chunk_ext_total_bytes, number("chunk_ext_total_bytes"));
  EXPECT_EQ(limits.trailer_total_bytes, number("trailer_total_bytes"));
}

TEST(H1Parser, AHeadIsTakenApart) {
  RequestRun run(kGet);
  ASSERT_EQ(run.step.event, H1Event::head);
  EXPECT_EQ(run.step.consumed, kGet.size());
  EXPECT_EQ(run.head.method, Method::get);
  EXPECT_EQ(run.head.method_text, "GET");
  EXPECT_EQ(run.head.path, "/items/42");
  EXPECT_EQ(run.head.query, "full=1");
  EXPECT_TRUE(run.head.has_query);
  EXPECT_EQ(run.head.authority, "example.com");
  EXPECT_EQ(run.head.fields.get(HeaderId::user_agent), "test");
  EXPECT_FALSE(run.head.fields.has(HeaderId::host)) << "the authority is the only truth";
  EXPECT_TRUE(run.parser.at_end());
  EXPECT_EQ(run.parser.feed("GET /next").event, H1Event::end);
}

TEST(H1Parser, StopsExactlyAtTheEndOfAMessage) {
  const std::string input =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: "
      "v\r\n\r\nGET /";
  RequestRun run(input);
  ASSERT_EQ(run.step.event, H1Event::head);
  std::string_view rest = std::string_view(input).substr(run.step.consumed);
  H1Step step = run.parser.feed(rest);
  ASSERT_EQ(step.event, H1Event::body);
  EXPECT_EQ(step.body, "abc");
  EXPECT_EQ(step.body.data(), rest.data() + 3) << "a body is a view, not a copy";
  rest.remove_prefix(step.consumed);
  step = run.parser.feed(rest);
  ASSERT_EQ(step.event, H1Event::end);
  EXPECT_EQ(rest.substr(step.consumed), "GET /");
  EXPECT_EQ(run.parser.trailers().get("x-t"), "v");
}

TEST(H1Parser, ABodyLimitMayBeSetPerMessage) {
  RequestRun run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  ASSERT_EQ(run.step.event, H1Event::head);
  EXPECT_TRUE(run.parser.set_body_limit(10));
  EXPECT_FALSE(run.parser.set_body_limit(9));
  RequestRun chunked("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(chunked.parser.set_body_limit(4));
  EXPECT_EQ(chunked.parser.feed("5\r\nhello\r\n").event, H1Event::error);
  EXPECT_EQ(chunked.parser.error().status, 413);
}

std::string request_of(std::size_t target_bytes, std::size_t value_bytes, std::size_t fields) {
  std::string text = "GET /" + std::string(target_bytes, 'a') + " HTTP/1.1\r\nHost: x\r\n";
  for (std::size_t i = 0; i < fields; ++i) {
    text += "X: " + std::string(value_bytes, 'v') + "\r\n";
  }
  return text + "\r\n";
}

int status_of(std::string_view input, const H1Limits& limits = {}) {
  RequestRun run(input, limits);
  return run.step.event == H1Event::error ? run.parser.error().status : 200;
}

TEST(H1Parser, LimitsHoldToTheByte) {
  H1Limits limits;
  limits.request_line_bytes = 100;
  limits.header_field_bytes = 50;
  limits.header_total_bytes = 400;
  limits.header_fields = 10;
  // "GET /" + " HTTP/1.1" is 14 bytes; "X: " is 3; "Host: x" + CR LF is 9.
  EXPECT_EQ(status_of(request_of(86, 1, 1), limits), 200);
  EXPECT_EQ(status_of(request_of(87, 1, 1), limits), 414);
  EXPECT_EQ(status_of(request_of(0, 47, 1), limits), 200);
  EXPECT_EQ(status_of(request_of(0, 48, 1), limits), 431);
  EXPECT_EQ(status_of(request_of(0, 1, 9), limits), 200);
  EXPECT_EQ(status_of(request_of(0, 1, 10), limits), 431);
  limits.header_total_bytes = 9 + 4 * 25;
  EXPECT_EQ(status_of(request_of(0, 20, 4), limits), 200);
  limits.header_total_bytes = 9 + 4 * 25 - 1;
  EXPECT_EQ(status_of(request_of(0, 20, 4), limits), 431);
  EXPECT_EQ(status_of("\r\n\r\n" + std::string(kGet)), 200);
  EXPECT_EQ(status_of("\r\n\r\n\r\n" + std::string(kGet)), 400);
}

TEST(H1Parser, ABodyLessRequestEndsAtOnceAlsoWhenItSaysZero) {
  RequestRun run("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(run.step.event, H1Event::head);
  EXPECT_EQ(run.head.content_length, 0U);
  EXPECT_EQ(run.parser.feed({}).event, H1Event::end);
}

TEST(H1Parser, IdleUntilTheFirstByteOfAMessage) {
  H1Limits limits;
  H1RequestParser parser(limits);
  RequestHead head;
  parser.begin(head);
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.feed("\r\n").event, H1Event::need_more);
  EXPECT_TRUE(parser.idle());
  EXPECT_EQ(parser.finish().event, H1Event::need_more);
  EXPECT_EQ(parser.feed("G").event, H1Event::need_more);
  EXPECT_FALSE(parser.idle());
  EXPECT_EQ(parser.finish().event, H1Event::error);
}

// --- responses ---

TEST(H1ResponseParser, TakesAHeadApart) {
  const H1Limits limits;
  H1ResponseParser parser(limits);
  ResponseHead head;
  parser.begin(head, Method::get);
  const std::string_view input =
      "HTTP/1.1 404 Not here\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno";
  H1Step step = parser.feed(input);
  ASSERT_EQ(step.event, H1Event::head);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.content_length, 2U);
  EXPECT_EQ(head.fields.size(), 1U);
  EXPECT_TRUE(parser.connection().keep_alive);
  step = parser.feed(input.substr(step.consumed));
  EXPECT_EQ(step.body, "no");
  EXPECT_EQ(parser.feed({}).event, H1Event::end);
}

TEST(H1ResponseParser, StatusLinesAreStrict) {
  const auto accepted = [](std::string_view line) {
    const H1Limits limits;
    H1ResponseParser parser(limits);
    ResponseHead head;
    parser.begin(head, Method::get);
    const std::string input = std::string(line) + "\r\n\r\n";
    return parser.feed(input).event == H1Event::head;
  };
  EXPECT_TRUE(accepted("HTTP/1.1 200 OK"));
  EXPECT_TRUE(accepted("HTTP/1.0 200 "));
  EXPECT_TRUE(accepted("HTTP/1.1 599 Odd"));
  for (const char* line : {"HTTP/1.1 99 X", "HTTP/1.1 2000 X", "HTTP/1.1 600 X", "HTTP/1.1 abc X",
                           "HTTP/2.0 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK", "ICY 200 OK",
                           " HTTP/1.1 200 OK", "\r\nHTTP/1.1 200 OK"}) {
    EXPECT_FALSE(accepted(line)) << line;
  }
}

// --- what is written ---

std::string text_of(OutputQueue& out) {
  std::string text;
  while (!out.empty()) {
    text.append(out.front());
    out.consume(out.front().size());
  }
  return text;
}

TEST(H1Serialiser, WritesCanonicalResponses) {
  BufferPool pool(4);
  OutputQueue out(pool);
  ResponseHead head;
  head.status = 200;
  head.fields.add("content-type", "text/plain");
  head.fields.add("connection", "keep-alive");
  head.fields.add("content-length", "999");
  ResponseWrite how;
  how.framing = {BodyKind::length, 5};
  how.unix_seconds = 784111777;
  ASSERT_TRUE(write_response_head(out, head, how).has_value());
  EXPECT_EQ(text_of(out),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
            "Content-Length: 5\r\n\r\n");
}

TEST(H1Serialiser, RefusesWhatWouldSplitAMessage) {
  BufferPool pool(4);
  OutputQueue out(pool);
  const auto refused = [&](std::string_view name, std::string_view value) {
    ResponseHead head;
    head.status = 200;
    head.fields.add(name, value);
    return !write_response_head(out, head, {}).has_value() && out.empty();
  };
  EXPECT_TRUE(refused("X-A", "a\r\nb"));
  EXPECT_TRUE(refused("X-A", "a\nb"));
  EXPECT_TRUE(refused("X-A", std::string_view("a\0b", 3)));
  EXPECT_TRUE(refused("X A", "v"));
  EXPECT_TRUE(refused("", "v"));
  EXPECT_TRUE(refused("X-A:", "v"));
  RequestHead head;
  head.set_method(Method::get);
  head.authority = "x";
  for (const char* path : {"/a b", "/a\r\nX: y", "", "/\x7f"}) {
    head.path = path;
    EXPECT_FALSE(write_request_head(out, head, {}).has_value()) << path;
  }
  head.path = "/";
  head.authority = "x\r\ny";
  EXPECT_FALSE(write_request_head(out, head, {}).has_value());
  EXPECT_TRUE(out.empty());
}

TEST(H1Serialiser, WritesHeadsLargerThanABuffer) {
  BufferPool pool(8);
  OutputQueue out(pool);
  ResponseHead head;
  head.status = 200;
  for (int i = 0; i < 30; ++i) {
    head.fields.add("X-Large", std::string(1000, 'x'));
  }
  ASSERT_TRUE(write_response_head(out, head, {}).has_value());
  const std::string text = text_of(out);
  EXPECT_GT(text.size(), 30'000U);
  EXPECT_TRUE(text.ends_with("x\r\n\r\n"));
}

TEST(HttpDate, IsMadeOncePerSecond) {
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  const std::string_view now = http_date(1709209845);
  EXPECT_EQ(now, "Thu, 29 Feb 2024 12:30:45 GMT");
  EXPECT_EQ(http_date(1709209845).data(), now.data());
  EXPECT_EQ(http_date(1709209846), "Thu, 29 Feb 2024 12:30:46 GMT");
}

}  // namespace
}  // namespace sk::test
