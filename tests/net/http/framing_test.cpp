#include "net/http/framing.h"

#include <gtest/gtest.h>

namespace sk {
namespace {

Fields make(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  Fields fields;
  for (const auto& [name, value] : list) {
    fields.add(name, value);
  }
  return fields;
}

constexpr HttpVersion k11 = HttpVersion::http11;
constexpr HttpVersion k10 = HttpVersion::http10;

TEST(Framing, RequestsWithoutLengthHaveNoBody) {
  EXPECT_EQ(request_framing(make({}), k11), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(request_framing(make({{"content-length", "17"}}), k11),
            (Framing{BodyKind::length, 17}));
  EXPECT_EQ(request_framing(make({{"transfer-encoding", "Chunked"}}), k11),
            (Framing{BodyKind::chunked, 0}));
}

TEST(Framing, DoubtfulRequestsAreRefused) {
  const auto status = [](const Fields& fields, HttpVersion version) {
    const Checked<Framing> framing = request_framing(fields, version);
    return framing ? 0 : framing.error().status;
  };
  EXPECT_EQ(status(make({{"content-length", "1"}, {"content-length", "1"}}), k11), 400);
  EXPECT_EQ(status(make({{"content-length", "1, 1"}}), k11), 400);
  EXPECT_EQ(status(make({{"content-length", "+1"}}), k11), 400);
  EXPECT_EQ(status(make({{"content-length", ""}}), k11), 400);
  EXPECT_EQ(status(make({{"content-length", "9223372036854775808"}}), k11), 400);
  EXPECT_EQ(status(make({{"content-length", "1"}, {"transfer-encoding", "chunked"}}), k11), 400);
  EXPECT_EQ(status(make({{"transfer-encoding", "chunked"}}), k10), 400);
  EXPECT_EQ(status(make({{"transfer-encoding", "chunked, chunked"}}), k11), 400);
  EXPECT_EQ(status(make({{"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}}), k11),
            400);
  EXPECT_EQ(status(make({{"transfer-encoding", ""}}), k11), 400);
  EXPECT_EQ(status(make({{"transfer-encoding", "gzip"}}), k11), 501);
}

TEST(Framing, ResponsesDependOnStatusAndMethod) {
  const Fields sized = make({{"content-length", "5"}});
  EXPECT_EQ(response_framing(sized, 200, k11, Method::get), (Framing{BodyKind::length, 5}));
  EXPECT_EQ(response_framing(sized, 200, k11, Method::head), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(response_framing(sized, 304, k11, Method::get), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(response_framing(sized, 204, k11, Method::get), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(response_framing(sized, 103, k11, Method::get), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(response_framing(make({}), 200, k11, Method::get), (Framing{BodyKind::until_close, 0}));
  EXPECT_EQ(
      response_framing(make({{"transfer-encoding", "gzip"}}), 200, k11, Method::get).error().status,
      502);
  EXPECT_EQ(response_framing(make({{"transfer-encoding", "chunked"}}), 200, k10, Method::get)
                .error()
                .status,
            502);
  EXPECT_EQ(declared_length(sized), 5U);
}

TEST(Framing, WritingIsTheMirrorOfReading) {
  EXPECT_EQ(outgoing_request_framing(Method::get, false, {}), (Framing{BodyKind::none, 0}));
  EXPECT_EQ(outgoing_request_framing(Method::post, false, {}), (Framing{BodyKind::length, 0}));
  EXPECT_EQ(outgoing_request_framing(Method::post, true, 7), (Framing{BodyKind::length, 7}));
  EXPECT_EQ(outgoing_request_framing(Method::get, true, {}), (Framing{BodyKind::chunked, 0}));
  EXPECT_EQ(outgoing_response_framing(200, Method::get, k11, true, {}),
            (Framing{BodyKind::chunked, 0}));
  EXPECT_EQ(outgoing_response_framing(200, Method::get, k10, true, {}),
            (Framing{BodyKind::until_close, 0}));
  EXPECT_EQ(outgoing_response_framing(200, Method::get, k10, true, 3),
            (Framing{BodyKind::length, 3}));
  EXPECT_EQ(outgoing_response_framing(200, Method::head, k11, true, 3),
            (Framing{BodyKind::none, 0}));
  EXPECT_EQ(outgoing_response_framing(204, Method::get, k11, true, 3),
            (Framing{BodyKind::none, 0}));
  EXPECT_EQ(outgoing_response_framing(200, Method::get, k11, false, {}),
            (Framing{BodyKind::length, 0}));
}

}  // namespace
}  // namespace sk
