#include "net/http/hop_by_hop.h"

#include <gtest/gtest.h>

#include <string>

namespace sk {
namespace {

RequestHead request(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  RequestHead head;
  head.set_method(Method::get);
  head.path = "/";
  head.authority = "example.com";
  for (const auto& [name, value] : list) {
    head.fields.add(name, value);
  }
  return head;
}

std::string joined(const Fields& fields) {
  std::string text;
  for (const HeaderField& field : fields) {
    text.append(field.name()).append("=").append(field.value()).append(";");
  }
  return text;
}

TEST(HopByHop, NominatedAndConnectionFieldsGo) {
  RequestHead head = request({{"Connection", "X-Secret, close"},
                              {"x-secret", "1"},
                              {"Connection", "X-Other"},
                              {"X-Other", "2"},
                              {"Keep-Alive", "timeout=5"},
                              {"TE", "trailers"},
                              {"Proxy", "http://evil"},
                              {"HTTP2-Settings", "AA"},
                              {"X_Underscore", "3"},
                              {"Accept", "a"}});
  const Checked<RequestConnection> connection = strip_hop_by_hop(head, {});
  ASSERT_TRUE(connection.has_value());
  EXPECT_FALSE(connection->keep_alive);
  EXPECT_TRUE(connection->accepts_trailers);
  EXPECT_EQ(joined(head.fields), "Accept=a;");
}

TEST(HopByHop, WhatCarriesMeaningCannotBeNominatedAway) {
  RequestHead head = request({{"Connection",
                               "Authorization, Cookie, X-Forwarded-For, X-Forwarded-Own, "
                               "Content-Type, X-Real-IP"},
                              {"Authorization", "a"},
                              {"Cookie", "b"},
                              {"X-Forwarded-For", "c"},
                              {"X-Forwarded-Own", "d"},
                              {"Content-Type", "e"},
                              {"X-Real-IP", "f"}});
  ASSERT_TRUE(strip_hop_by_hop(head, {}).has_value());
  EXPECT_EQ(head.fields.size(), 6U) << joined(head.fields);
}

TEST(HopByHop, OnlyAWebSocketHandshakeIsAnUpgrade) {
  const auto upgrades = [](RequestHead head, Framing framing = {}) {
    EXPECT_TRUE(strip_hop_by_hop(head, framing).has_value());
    EXPECT_FALSE(head.fields.has(HeaderId::upgrade));
    return head.websocket;
  };
  EXPECT_TRUE(upgrades(request({{"Connection", "keep-alive, Upgrade"},
                                {"Upgrade", "WebSocket"},
                                {"Sec-WebSocket-Key", "k"}})));
  EXPECT_FALSE(upgrades(request({{"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "k"}})));
  EXPECT_FALSE(upgrades(request({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}})));
  EXPECT_FALSE(upgrades(request(
      {{"Connection", "Upgrade"}, {"Upgrade", "h2c, websocket"}, {"Sec-WebSocket-Key", "k"}})));
  EXPECT_FALSE(upgrades(request({{"Connection", "Upgrade"}, {"Upgrade", "h2c"}})));
  EXPECT_FALSE(upgrades(
      request({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "k"}}),
      {BodyKind::length, 5}));
  RequestHead post =
      request({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "k"}});
  post.set_method(Method::post);
  EXPECT_FALSE(upgrades(std::move(post)));
  RequestHead old =
      request({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "k"}});
  old.version = HttpVersion::http10;
  EXPECT_FALSE(upgrades(std::move(old)));
}

TEST(HopByHop, ExpectationsAreOursAlone) {
  RequestHead head = request({{"Expect", "100-Continue"}});
  const Checked<RequestConnection> with_body = strip_hop_by_hop(head, {BodyKind::length, 1});
  ASSERT_TRUE(with_body.has_value());
  EXPECT_TRUE(with_body->expect_continue);
  EXPECT_TRUE(head.fields.empty());
  RequestHead none = request({{"Expect", "100-continue"}});
  EXPECT_FALSE(strip_hop_by_hop(none, {})->expect_continue);
  RequestHead odd = request({{"Expect", "y 100-continue"}});
  EXPECT_EQ(strip_hop_by_hop(odd, {}).error().status, 417);
}

TEST(HopByHop, KeepAliveFollowsTheVersion) {
  const auto keeps = [](HttpVersion version, std::string_view option) {
    RequestHead head = request({});
    head.version = version;
    if (!option.empty()) {
      head.fields.add(HeaderId::connection, option);
    }
    return strip_hop_by_hop(head, {})->keep_alive;
  };
  EXPECT_TRUE(keeps(HttpVersion::http11, ""));
  EXPECT_FALSE(keeps(HttpVersion::http11, "Close"));
  EXPECT_FALSE(keeps(HttpVersion::http10, ""));
  EXPECT_TRUE(keeps(HttpVersion::http10, "Keep-Alive"));
  EXPECT_FALSE(keeps(HttpVersion::http10, "keep-alive, close"));
}

TEST(HopByHop, TrailersMayNotActAsHeaders) {
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Authorization", "Cookie",
                           "X-Forwarded-For", "X-Forwarded-Own", "Connection", "Trailer", "X_a"}) {
    EXPECT_FALSE(is_trailer_allowed(find_header_id(name), name)) << name;
  }
  for (const char* name : {"X-Checksum", "Grpc-Status", "Server-Timing", "ETag"}) {
    EXPECT_TRUE(is_trailer_allowed(find_header_id(name), name)) << name;
  }
}

TEST(Forwarding, AnUntrustedPeerSaysNothingAboutOthers) {
  RequestHead head = request({{"Forwarded", "for=6.6.6.6"},
                              {"X-Forwarded-For", "6.6.6.6"},
                              {"X-Forwarded-Host", "evil.example"},
                              {"X-Forwarded-Own", "x"},
                              {"X-Real-IP", "6.6.6.6"},
                              {"X-Request-Id", "bad id"},
                              {"Accept", "a"}});
  head.scheme = Scheme::https;
  apply_forwarding(head, {.address = "192.0.2.1", .trusted = false});
  EXPECT_EQ(joined(head.fields),
            "Accept=a;X-Forwarded-For=192.0.2.1;X-Forwarded-Proto=https;"
            "X-Forwarded-Host=example.com;");
}

TEST(Forwarding, ATrustedPeersChainIsExtended) {
  RequestHead head = request({{"X-Forwarded-For", "203.0.113.7, 10.0.0.1"},
                              {"X-Forwarded-For", "10.0.0.2"},
                              {"X-Forwarded-Proto", "https"},
                              {"X-Request-Id", "abc-1"}});
  apply_forwarding(head, {.address = "10.0.0.3", .trusted = true});
  EXPECT_EQ(head.fields.get(HeaderId::x_forwarded_for),
            "203.0.113.7, 10.0.0.1, 10.0.0.2, 10.0.0.3");
  EXPECT_EQ(head.fields.count(HeaderId::x_forwarded_for), 1U);
  EXPECT_EQ(head.fields.get(HeaderId::x_forwarded_proto), "https");
  EXPECT_EQ(head.fields.get(HeaderId::x_forwarded_host), "example.com");
  EXPECT_EQ(head.fields.get(HeaderId::x_request_id), "abc-1");
}

}  // namespace
}  // namespace sk
